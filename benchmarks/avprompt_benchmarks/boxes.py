"""Boxes, as the field draws and breaks them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from avprompt.plugin import DataError

Box = Sequence[float]
"""(x0, y0, x1, y1), x to the right, y down."""

ABSURD = 1e6
"""A coordinate beyond this is no place in any picture: VGG-SS has some of -2.9e16."""


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


def read_boxes(boxes: object, where: str) -> tuple[tuple[float, ...], ...]:
    """Return boxes as they come out of JSON: a list of boxes, or one box.

    Args:
        boxes: any number of lists of numbers, or numbers.
        where: the file and entry, for the message.

    Raises:
        DataError: not that.
    """
    try:
        values = list(boxes)  # type: ignore[call-overload]
        if all(isinstance(value, int | float) for value in values):
            values = [values] if values else []
        return tuple(tuple(float(value) for value in box) for box in values)
    except (TypeError, ValueError) as error:
        raise DataError(f"{where} holds no boxes but {boxes!r}.") from error
