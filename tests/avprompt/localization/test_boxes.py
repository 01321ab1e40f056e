"""Boxes around the regions of a mask."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from avprompt.localization.boxes import boxes_of


def mask(*rows: str) -> np.ndarray:
    return np.array([[pixel == "#" for pixel in row] for row in rows], dtype=np.float32)


def flooded(inside: np.ndarray) -> set[tuple[float, ...]]:
    """Find boxes by filling one region after the other, pixel by pixel."""
    left, boxes = {(int(y), int(x)) for y, x in zip(*np.nonzero(inside), strict=True)}, set()
    height, width = inside.shape
    while left:
        waiting, region = [left.pop()], []
        while waiting:
            y, x = waiting.pop()
            region.append((y, x))
            near = {(y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)} & left
            left -= near
            waiting += near
        ys, xs = zip(*region, strict=True)
        boxes.add((min(xs) / width, min(ys) / height, (max(xs) + 1) / width, (max(ys) + 1) / height))
    return boxes


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (("....", "...."), []),
        (("####", "####"), [(0, 0, 1, 1)]),
        (("#...", ".#.."), [(0, 0, 0.25, 0.5), (0.25, 0.5, 0.5, 1)]),  # corners do not touch
        (("#.#.", "###."), [(0, 0, 0.75, 1)]),  # one, though its upper ends are apart
        (("#..#", "...#"), [(0.75, 0, 1, 1), (0, 0, 0.25, 0.5)]),  # the largest first
    ],
)
def test_each_region_has_a_box(rows: tuple[str, ...], expected: list[tuple[float, ...]]) -> None:
    assert boxes_of(mask(*rows), 0.5) == expected


def test_the_threshold_itself_is_inside() -> None:
    heatmap = np.array([[0.5, 0.25]])
    assert boxes_of(heatmap, 0.5) == [(0, 0, 0.5, 1)]
    assert boxes_of(heatmap, 0.25) == [(0, 0, 1, 1)]


@given(arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12))))
def test_regions_are_those_that_filling_finds(inside: np.ndarray) -> None:
    assert set(boxes_of(inside.astype(np.float32), 0.5)) == flooded(inside)
