"""Boxes, as the field draws and breaks them."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from avprompt.plugin import DataError, read_table

Box = Sequence[float]
"""(x0, y0, x1, y1), x to the right, y down."""

ABSURD = 1e6
"""A coordinate beyond this is no place in any picture: VGG-SS has some of -2.9e16."""


SLACK = 0.05
"""How far a box may leave its picture, in sides: annotators draw over the edge, and the rule clips there."""

CORNERS = ("x0", "y0", "x1", "y1")


def union_of_boxes(boxes: Sequence[Box], side: float = 1.0, size: int = 224) -> np.ndarray:
    """Return the union of boxes as a mask (size, size) float32 of 0 and 1.

    The loader rule that EZ-VSL, SLAVC, ACL-SSL, KAIST and FNAC share: corners clipped to the picture,
    brought to the mask's pixels, truncated to whole ones, filled.

    Args:
        boxes: broken ones (absurd numbers, no width or height) mark nothing.
        side: of the picture in the boxes' unit, 1 where they are fractions of it.
        size: side of the mask, pixels.
    """
    mask = np.zeros((size, size), dtype=np.float32)
    for box in boxes:
        if not is_degenerate(box):
            left, top, right, bottom = (int(np.clip(value, 0, side) * (size / side)) for value in box)
            mask[top:bottom, left:right] = 1
    return mask


def is_garbage(box: Box) -> bool:
    """Say whether a box does not hold four numbers that could be places in a picture."""
    return len(box) != 4 or not all(math.isfinite(value) and abs(value) < ABSURD for value in box)


def is_degenerate(box: Box) -> bool:
    """Say whether a box has no width or no height, as far as it is one at all."""
    return len(box) != 4 or not (box[0] < box[2] and box[1] < box[3])


def read_boxes(boxes: object, where: str, side: float) -> tuple[Box, ...]:
    """Return boxes as they come out of JSON: a list of boxes, or one box.

    Args:
        boxes: any number of lists of numbers, or numbers.
        where: the file and entry, for the message.
        side: of the picture in the boxes' unit.

    Raises:
        DataError: not that, no box, or one that has no place in the picture; the message guesses at what is
            meant. Boxes as official annotations break them (absurd numbers, no width or height) pass.
    """
    read = four_numbers(boxes, where)
    if not read:
        raise DataError(f"{where} has no box. Draw one, or leave the clip out.")
    for box in read:
        empty = box[0] == box[2] or box[1] == box[3]
        if not empty and not is_garbage(box) and (problem := misplaced(box, side, side)):
            raise DataError(f"{where}: a box {problem}.")
    return read


def four_numbers(boxes: object, where: str) -> tuple[Box, ...]:
    """Return boxes, or one box, as four finite numbers each, wherever these lie.

    Raises:
        DataError: not that.
    """
    try:
        values = list(boxes)  # type: ignore[call-overload]
        if values and all(isinstance(value, int | float) for value in values):
            values = [values]
        read = tuple(tuple(float(value) for value in box) for box in values)
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(f"{where} holds no boxes but {boxes!r:.80} ({error}).") from error
    for box in read:
        if len(box) != 4 or not all(map(math.isfinite, box)):
            raise DataError(f"{where}: a box is not four finite numbers but {box}.")
    return read


def read_box_table(path: Path) -> dict[str, list[Box]]:
    """Read somebody's own boxes as fractions of the picture, by clip.

    The header is `clip,x0,y0,x1,y1`. Two more columns `width,height` say how large the picture is in the
    boxes' unit, such as `640,480` for pixels or `100,100` for percent; without them boxes are fractions.

    Raises:
        DataError: a box that has no place in the picture; the message has the line and what may be meant.
    """
    boxes: dict[str, list[Box]] = defaultdict(list)
    for line, row in read_table(path, ("clip", *CORNERS)).items():
        where = f"'{path}', line {line}: a box of '{row['clip']}'"
        numbers = [row[corner] for corner in CORNERS] + [row.get(side) or "1" for side in ("width", "height")]
        try:
            *box, width, height = map(float, numbers)
        except ValueError as error:
            raise DataError(f"{where} is not four numbers ({error}).") from error
        if not all(map(math.isfinite, (*box, width, height))) or min(width, height) <= 0:
            raise DataError(f"{where} is not four finite numbers in a picture with width and height.")
        if problem := misplaced(box, width, height):
            raise DataError(f"{where} {problem}.")
        boxes[row["clip"]].append((box[0] / width, box[1] / height, box[2] / width, box[3] / height))
    return dict(boxes)


def misplaced(box: Box, width: float, height: float) -> str:
    """Return why a box has no place in a picture of that size, and what may be meant, or an empty text."""
    left, top, right, bottom = box
    numbers = _numbers(box)
    across = max(-min(left, right), max(left, right) - width) / width
    down = max(-min(top, bottom), max(top, bottom) - height) / height
    if max(across, down) > SLACK:
        return f"{numbers} leaves the picture, which is {width:g} x {height:g} in its unit{_unit(box, width)}"
    if left == right or top == bottom:
        return f"{numbers} has no width or height"
    if left > right or top > bottom:
        inside = left + right <= width * (1 + SLACK) and top + bottom <= height * (1 + SLACK)
        guess = "x, y, width and height: write x + width, y + height" if inside else "two corners in reverse"
        return f"{numbers} ends before it begins; these look like {guess}"
    return unseen(box, width, height)


def unseen(box: Box, width: float, height: float) -> str:
    """Return why nothing of a whole box is seen in a picture of that size, or an empty text."""
    left, top, right, bottom = box
    if right <= 0 or bottom <= 0 or left >= width or top >= height:
        return f"{_numbers(box)} has no part in the picture, which is {width:g} x {height:g} in its unit"
    if width > 1 and height > 1 and max(box) <= 1:
        return f"{_numbers(box)} is smaller than a pixel; these look like fractions of the picture"
    return ""


def _numbers(box: Box) -> str:
    return "({})".format(", ".join(f"{value:g}" for value in box))


def _unit(box: Box, width: float) -> str:
    if width != 1 or max(box) <= 2:  # fractions, if only they were inside
        return ""
    unit = "percent or pixels" if max(box) <= 100 else "pixels"
    return f"; these look like {unit}: divide them by the picture's size, or say it (columns width,height)"
