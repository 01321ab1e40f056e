"""One picture with its heat as a page for people: legend and name below, a note in the corner; PNG to SVG."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from avprompt.errors import ConfigError
from avprompt.files import replacing
from avprompt.pictures.legend import Legend, mark_corner
from avprompt.pictures.overlay import lay_heat
from avprompt.pictures.svg import svg_page

INCHES = 6.0
"""Width of a page whose dots are counted by the inch: a column of text."""

_NARROWEST = 640
"""Pixels across a page: words below must be readable."""


@dataclass(frozen=True, eq=False)
class Figure:
    """A picture with heat.

    Attributes:
        image: (H, W, 3) uint8.
        heatmap: (h, w) in 0..1.
        threshold: of the mask whose contour is drawn.
        name: of the clip, below the picture.
        remark: beside the name, such as the confidence.
        note: in the corner; empty for none.
    """

    image: np.ndarray
    heatmap: np.ndarray
    threshold: float
    name: str
    remark: str = ""
    note: str = ""

    def draw(self, width: int | None = None) -> Image.Image:
        """Draw the page, so many pixels wide; as wide as the picture unless given."""
        shown = self.picture(width)
        legend = Legend(shown.width, self.threshold)
        words = legend.words(f"{self.name}   {self.remark}")
        page = Image.new("RGB", (shown.width, shown.height + 2 * legend.row))
        page.paste(shown, (0, 0))
        page.paste(legend.key(), (0, shown.height))
        page.paste(words, (0, shown.height + legend.row))
        return page

    def picture(self, width: int | None = None) -> Image.Image:
        """Draw the picture with its heat and its note."""
        height, own, _ = self.image.shape
        width = width or max(own, _NARROWEST)
        size = width, max(1, round(height * width / own))
        resized = Image.fromarray(self.image).resize(size, Image.Resampling.LANCZOS)
        shown = lay_heat(resized, self.heatmap, self.threshold)
        if self.note:
            mark_corner(shown, self.note)
        return shown

    def save(self, path: Path, dpi: int | None = None) -> None:
        """Write the page as what the name says: .svg, .pdf, or a picture.

        Args:
            path: of the file.
            dpi: dots per inch of a page six inches wide; the picture's own pixels unless given.

        Raises:
            ConfigError: the name's suffix is none of a picture.
        """
        form = picture_format(path, "A figure")
        width = round(INCHES * dpi) if dpi else None
        with replacing(path) as temporary:
            if form == "SVG":
                temporary.write_text(svg_page(self.picture(width), self.threshold, self.name, self.remark))
                return
            page = self.draw(width)
            inch = dpi or round(page.width / INCHES)
            page.save(temporary, form, **({"resolution": inch} if form == "PDF" else {"dpi": (inch, inch)}))


def picture_format(path: Path, option: str) -> str:
    """Return the format that a file's name says, as Pillow calls it, or SVG.

    Raises:
        ConfigError: it says none that can be written.
    """
    form = Image.registered_extensions().get(path.suffix.lower(), "")
    if path.suffix.lower() == ".svg":
        return "SVG"
    if form not in Image.SAVE:
        raise ConfigError(
            f"{option}: '{path}' is no picture that can be written: end it in .png, .jpg, .pdf or .svg."
        )
    return form
