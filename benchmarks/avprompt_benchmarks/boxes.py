"""Ground truth from boxes, as VGG-SS and its relatives define it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Box = Sequence[float]


def union_of_boxes(boxes: Sequence[Box], size: int = 224) -> np.ndarray:
    """Return the union of boxes as a mask (size, size) float32 of 0 and 1.

    The loader rule that EZ-VSL, SLAVC, ACL-SSL, KAIST and FNAC share: corners clipped to 0..1, times the
    size, truncated to whole pixels, filled.

    Args:
        boxes: (x0, y0, x1, y1) as fractions of the image, x to the right, y down. Broken boxes (absurd
            numbers, no width or height) mark nothing.
        size: side of the mask, pixels.
    """
    mask = np.zeros((size, size), dtype=np.float32)
    for box in boxes:
        left, top, right, bottom = (int(np.clip(value, 0, 1) * size) for value in box)
        mask[top:bottom, left:right] = 1
    return mask
