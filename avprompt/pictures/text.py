"""Words in pictures: the font, and texts that fit."""

from __future__ import annotations

from functools import cache

from PIL import ImageFont

PAPER, INK, MUTED = "#ffffff", "#1c1f24", "#7a818c"


@cache
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return the font that comes with Pillow, so many pixels high."""
    return ImageFont.load_default(size)


def fit(text: str, size: int, width: int) -> str:
    """Shorten a text with an ellipsis until it fits."""
    if font(size).getlength(text) <= width:
        return text
    while text and font(size).getlength(text + "...") > width:
        text = text[:-1]
    return text.rstrip(" ,") + "..."


def wrap(text: str, size: int, width: int, most: int = 3) -> list[str]:
    """Break a text between words into at most `most` lines that fit."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font(size).getlength(longer) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    kept = [*lines[: most - 1], " ".join(lines[most - 1 :])] if len(lines) > most else lines
    return [fit(line, size, width) for line in kept]
