"""Boxes around what a heatmap marks: one for each connected region of its mask."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 as fractions of the picture, x to the right, y down."""

_Run = tuple[int, int, int]
"""Row, first column, and the column behind the last."""


def boxes_of(heatmap: np.ndarray, threshold: float) -> list[Box]:
    """Return the boxes of a mask, that of the largest region first.

    Args:
        heatmap: (h, w) in 0..1.
        threshold: from which on a pixel belongs to the mask. Pixels of one region touch at their sides.
    """
    height, width = heatmap.shape
    regions = sorted(_regions(_runs(heatmap >= threshold)), key=_area, reverse=True)
    return [
        (
            min(begin for _, begin, _ in region) / width,
            region[0][0] / height,
            max(end for _, _, end in region) / width,
            (region[-1][0] + 1) / height,
        )
        for region in regions
    ]


def _runs(mask: np.ndarray) -> list[_Run]:
    """Return all runs of true pixels of a mask (h, w), from above and from the left."""
    rows, edges = np.nonzero(np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1))
    return list(zip(rows[::2].tolist(), edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _regions(runs: list[_Run]) -> list[list[_Run]]:
    """Join runs that touch one of the row above; the runs of a region stay in their order."""
    parents = list(range(len(runs)))

    def root(place: int) -> int:
        while parents[place] != place:
            parents[place] = parents[parents[place]]
            place = parents[place]
        return place

    above = 0  # the first run that may touch the next one from above
    for place, (row, begin, end) in enumerate(runs):
        while runs[above][0] < row - 1 or (runs[above][0] == row - 1 and runs[above][2] <= begin):
            above += 1
        other = above
        while runs[other][0] == row - 1 and runs[other][1] < end:
            parents[root(other)] = root(place)
            other += 1
    regions = defaultdict(list)
    for place, run in enumerate(runs):
        regions[root(place)].append(run)
    return list(regions.values())


def _area(region: list[_Run]) -> int:
    return sum(end - begin for _, begin, end in region)
