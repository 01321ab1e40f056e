"""What stands below a picture with heat: what the colours and the line mean, and words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from avprompt.pictures.overlay import CONTOUR, colour
from avprompt.pictures.text import INK, MUTED, PAPER, fit, font


@dataclass(frozen=True)
class Legend:
    """A band of `width` pixels; all its sizes follow from that.

    Attributes:
        width: of the picture above it, pixels.
        threshold: at which the line around the mask is drawn.
    """

    width: int
    threshold: float

    @property
    def size(self) -> int:
        """Height of its letters, pixels."""
        return round(min(max(self.width / 44, 11), 48))

    @property
    def row(self) -> int:
        """Height of a line, pixels."""
        return 2 * self.size

    def key(self, words: str = "") -> Image.Image:
        """Draw one line: the colours of heat, the line of the mask, and words at its end."""
        size, band = self.size, Image.new("RGB", (self.width, self.row), PAPER)
        pen = Pen(ImageDraw.Draw(band), size, base=round(1.35 * size))
        x = pen.write(size, "heat 0 ", MUTED)
        bar = Image.fromarray(colour(np.tile(np.linspace(0, 1, 7 * size), (size, 1))))
        band.paste(bar, (x, round(0.45 * size)))
        x = pen.write(x + bar.width, " 1", MUTED) + size
        pen.line(x, x + 2 * size)
        x = pen.write(x + 2 * size, f"  mask at {self.threshold:.2f}", MUTED) + 2 * size
        if words:
            words = fit(words, size, self.width - size - x)
            pen.write(round(self.width - size - font(size).getlength(words)), words, INK)
        return band

    def words(self, text: str) -> Image.Image:
        """Draw one line of words."""
        band = Image.new("RGB", (self.width, self.row), PAPER)
        pen = Pen(ImageDraw.Draw(band), self.size, base=round(1.35 * self.size))
        pen.write(self.size, fit(text, self.size, self.width - 2 * self.size), INK)
        return band


@dataclass(frozen=True)
class Pen:
    """Writes on one line of a band, at `base` from its top."""

    draw: ImageDraw.ImageDraw
    size: int
    base: int

    def write(self, x: int, text: str, ink: str) -> int:
        """Write from x on; returns where the text ends."""
        self.draw.text((x, self.base), text, fill=ink, font=font(self.size), anchor="ls")
        return x + round(font(self.size).getlength(text))

    def line(self, start: int, end: int) -> None:
        """Draw a piece of the line that goes around masks."""
        middle, thick = self.base - round(0.35 * self.size), max(2, self.size // 5)
        self.draw.line((start, middle, end, middle), fill=INK, width=thick + 2)
        self.draw.line((start, middle, end, middle), fill=CONTOUR, width=thick)


def mark_corner(picture: Image.Image, note: str) -> None:
    """Write a note into the upper left corner of a picture, dark on a light plate."""
    size = round(min(max(picture.width / 44, 11), 48))
    note = fit(note, size, picture.width - 2 * size)
    width = round(font(size).getlength(note)) + size
    ImageDraw.Draw(picture).rectangle((0, 0, width, round(1.7 * size)), fill=PAPER)
    ImageDraw.Draw(picture).text((size // 2, round(1.2 * size)), note, fill=INK, font=font(size), anchor="ls")
