"""The confidence over time below a video."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageColor

from avprompt.pictures.confidence import CURVE, ConfidenceBand


def curve(picture: Image.Image) -> tuple[np.ndarray, np.ndarray]:
    """Where the curve is, below the key whose colours have its own among them: rows and columns."""
    below = np.asarray(picture)[picture.height // 3 :]
    return np.nonzero((below == ImageColor.getrgb(CURVE)).all(-1))


def test_it_grows_with_time() -> None:
    band = ConfidenceBand(400, seconds=10, threshold=0.5)
    band.at(0, 0.5)
    ends = [curve(band.at(time, 0.5))[1].max() for time in (1, 4, 8)]
    assert np.diff(ends) / 400 == pytest.approx([0.3, 0.4], abs=0.03)


@pytest.mark.parametrize(("low", "high"), [(0.1, 0.9), (0, 0.2), (-1, 0.5)])
def test_more_is_higher(low: float, high: float) -> None:
    rows = []
    for confidence in (low, high):
        band = ConfidenceBand(400, seconds=10, threshold=0.5)
        band.at(0, confidence)
        rows.append(curve(band.at(9, confidence))[0].mean())
    assert rows[0] > rows[1], "rows count from above"


def test_what_was_played_stays() -> None:
    band = ConfidenceBand(400, seconds=10, threshold=0.5)
    before = curve(band.at(3, 0.4))
    after = {*zip(*curve(band.at(6, 0.9)), strict=True)}
    later = {(row, column) for row, column in zip(*before, strict=True) if column < 100}
    assert later <= after


@pytest.mark.parametrize("width", [16, 96, 3840])
def test_it_is_as_wide_as_the_video_and_of_even_height(width: int) -> None:
    band = ConfidenceBand(width, seconds=0, threshold=0.5)
    shown = band.at(0, 0.3)
    assert shown.size == (width, band.height)
    assert band.height % 2 == 0
