"""A contact sheet: captioned rows of small pictures under column titles, on one page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from avprompt.pictures.overlay import colour
from avprompt.pictures.text import INK, MUTED, PAPER, fit, font, wrap

CELL = 176
"""Side of a picture on the sheet, pixels."""

PANEL = "#f2f3f5"
_MARGIN, _GAP, _CAPTION, _BETWEEN, _ROUNDING = 40, 8, 150, 56, 7
_TITLE, _TEXT, _SMALL, _ID = 26, 17, 13, 11
_HEAD, _COLUMN_HEAD, _FOOT, _BAR = 58, 30, 44, 120
_ROWS_IN_A_COLUMN = 6


@dataclass(frozen=True)
class Cell:
    """A picture (H, W, 3) uint8, and a few characters for its corner."""

    picture: np.ndarray
    note: str = ""


@dataclass(frozen=True)
class Row:
    """One line of the sheet: what it shows, a quieter second line, its pictures, and an id below."""

    caption: str
    detail: str
    cells: tuple[Cell, ...]
    id: str = ""


@dataclass(frozen=True)
class Sheet:
    """What is drawn.

    Attributes:
        title: of the page.
        remark: a quieter line beneath it.
        columns: titles of the pictures of every row.
        rows: the clips.
        legend: at the foot.
        scale: what the colours of heat stand for; empty draws no scale.
    """

    title: str
    remark: str
    columns: Sequence[str]
    rows: Sequence[Row]
    legend: str = ""
    scale: str = ""

    def draw(self) -> Image.Image:
        """Draw the sheet; long ones with few columns in two blocks side by side."""
        blocks = 2 if len(self.rows) > _ROWS_IN_A_COLUMN and len(self.columns) <= 4 else 1
        tall = -(-len(self.rows) // blocks)
        wide = _CAPTION + len(self.columns) * (CELL + _GAP) - _GAP
        width = 2 * _MARGIN + blocks * wide + (blocks - 1) * _BETWEEN
        height = 2 * _MARGIN + _HEAD + _COLUMN_HEAD + tall * (CELL + _GAP) - _GAP + _FOOT
        page = _Page(width, height)
        page.head(self.title, self.remark)
        for block in range(blocks):
            left = _MARGIN + block * (wide + _BETWEEN)
            page.block(left, self.columns, self.rows[block * tall : (block + 1) * tall])
        page.foot(self.legend, self.scale)
        return page.image


class _Page:
    """The paper, and the pens."""

    def __init__(self, width: int, height: int) -> None:
        self.image = Image.new("RGB", (width, height), PAPER)
        self.pen = ImageDraw.Draw(self.image)

    def head(self, title: str, remark: str) -> None:
        width = self.image.width - 2 * _MARGIN
        self._write((_MARGIN, _MARGIN), fit(title, _TITLE, width), _TITLE, INK, "ls", drop=20)
        self._write((_MARGIN, _MARGIN), fit(remark, _SMALL, width), _SMALL, MUTED, "ls", drop=42)

    def block(self, left: int, columns: Sequence[str], rows: Sequence[Row]) -> None:
        top = _MARGIN + _HEAD
        first = left + _CAPTION
        for number, title in enumerate(columns):
            middle = first + number * (CELL + _GAP) + CELL // 2
            self._write((middle, top), fit(title, _SMALL, CELL), _SMALL, MUTED, "ms", drop=16)
        top += _COLUMN_HEAD
        for number, row in enumerate(rows):
            self._row(left, top + number * (CELL + _GAP), row)

    def foot(self, legend: str, scale: str) -> None:
        left, bottom = _MARGIN, self.image.height - _MARGIN
        self._write((left, bottom), legend, _SMALL, MUTED, "ls")
        if scale:
            right = self.image.width - _MARGIN
            bar = Image.fromarray(colour(np.tile(np.linspace(0, 1, _BAR), (10, 1))))
            self._write((right, bottom), "1", _SMALL, MUTED, "rs")
            self.image.paste(bar, (right - _BAR - 14, bottom - 10), _rounded(*bar.size, radius=3))
            self._write((right - _BAR - 22, bottom), f"{scale}   0", _SMALL, MUTED, "rs")

    def _row(self, left: int, top: int, row: Row) -> None:
        lines = wrap(row.caption, _TEXT, _CAPTION - 18)
        start = top + CELL // 2 - (len(lines) - 1) * 11 - 4
        for number, line in enumerate(lines):
            self._write((left, start), line, _TEXT, INK, "ls", drop=22 * number)
        self._write((left, start), row.detail, _SMALL, MUTED, "ls", drop=22 * len(lines))
        if row.id and row.id != row.caption:
            drop = 22 * len(lines) + (18 if row.detail else 0)
            self._write((left, start), fit(row.id, _ID, _CAPTION - 12), _ID, MUTED, "ls", drop=drop)
        for number, cell in enumerate(row.cells):
            self._cell(left + _CAPTION + number * (CELL + _GAP), top, cell)

    def _cell(self, left: int, top: int, cell: Cell) -> None:
        picture = Image.fromarray(cell.picture)
        picture.thumbnail((CELL, CELL))
        frame = Image.new("RGB", (CELL, CELL), PANEL)
        frame.paste(picture, ((CELL - picture.width) // 2, (CELL - picture.height) // 2))
        self.image.paste(frame, (left, top), _rounded(CELL, CELL, _ROUNDING))
        if cell.note:
            self._note(left + 7, top + CELL - 7, cell.note)

    def _note(self, left: int, bottom: int, note: str) -> None:
        wide = round(font(_SMALL).getlength(note)) + 14
        self.image.paste(PAPER, (left, bottom - 22), _rounded(wide, 22, radius=6))
        self._write((left + 7, bottom - 6), note, _SMALL, INK, "ls")

    def _write(self, at: tuple[int, int], text: str, size: int, ink: str, anchor: str, drop: int = 0) -> None:
        self.pen.text((at[0], at[1] + drop), text, fill=ink, font=font(size), anchor=anchor)


def _rounded(width: int, height: int, radius: int) -> Image.Image:
    """Make a mask with smooth round corners."""
    large = Image.new("L", (4 * width, 4 * height), 0)
    box = (0, 0, 4 * width - 1, 4 * height - 1)
    ImageDraw.Draw(large).rounded_rectangle(box, radius=4 * radius, fill=255)
    return large.reduce(4)
