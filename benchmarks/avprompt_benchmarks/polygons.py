"""Polygons, as AVATAR draws its sources."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from avprompt_benchmarks.boxes import ABSURD, is_degenerate, misplaced
from avprompt_benchmarks.marks import fit

Polygon = Sequence[tuple[float, float]]
"""Corners (x, y) in pixels of the frame."""


def union_of_polygons(polygons: Sequence[Polygon], width: int, height: int) -> np.ndarray:
    """Return the union of polygons as a mask (224, 224) bool: filled at the frame's size, then resized."""
    canvas = Image.new("1", (width, height))
    draw = ImageDraw.Draw(canvas)
    for polygon in polygons:
        if len(polygon) >= 3:  # fewer corners enclose nothing
            draw.polygon(list(polygon), fill=1)
    return fit(np.asarray(canvas, dtype=bool))


def read_polygons(segmentation: object) -> list[Polygon]:
    """Return the polygons of one object, given as COCO does (x, y, x, y, ..), or as pairs (x, y).

    Args:
        segmentation: one such polygon or a list of them.

    Raises:
        TypeError, ValueError: neither, or corners that are no places in a picture.
    """
    if not isinstance(segmentation, list):
        raise TypeError(f"expected polygons, got {segmentation!r:.80}")
    if not segmentation:
        return []
    if isinstance(segmentation[0], int | float) or _is_pair(segmentation[0]):
        corners = np.asarray(segmentation, dtype=float).reshape(-1, 2)
        if not (np.abs(corners) < ABSURD).all():  # nor where they are not numbers
            raise ValueError("corners that are no places in a picture")
        return [[(float(x), float(y)) for x, y in corners]]
    return [polygon for part in segmentation for polygon in read_polygons(part)]


def misplaced_polygon(polygon: Polygon, width: float, height: float) -> str:
    """Return why a polygon has no place in a frame of that size, and what may be meant, or an empty text."""
    x, y = zip(*polygon, strict=True)
    around = (min(x), min(y), max(x), max(y))
    if is_degenerate(around):  # it marks nothing, or a line
        return ""
    return misplaced(around, width, height)


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(isinstance(x, int | float) for x in value)
