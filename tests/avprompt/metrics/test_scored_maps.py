from __future__ import annotations

import numpy as np
import pytest

from avprompt.metrics import scored_maps
from avprompt.metrics.iou import TruthMasks, iou_at
from avprompt.metrics.scored_maps import ScoredMaps
from avprompt.metrics.segmentation import f_by_threshold, frame_iou
from avprompt.metrics.threshold import GRID, median_threshold, normalise

HEATMAPS = np.random.default_rng(0).random((3, 8, 8), dtype=np.float32) / 2
TRUTHS = np.zeros((3, 8, 8), dtype=np.float32)
TRUTHS[:2, 2:5, 2:6] = 1


def test_what_several_protocols_ask_for_is_worked_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def counted(heatmaps: np.ndarray) -> np.ndarray:
        calls.append(heatmaps)
        return normalise(heatmaps)

    monkeypatch.setattr(scored_maps, "normalise", counted)
    maps = ScoredMaps(HEATMAPS, TruthMasks(TRUTHS), np.zeros(3))
    assert maps.normalised is maps.normalised
    assert maps.normalised_median.shape == (3,)
    assert len(calls) == 1
    again = ScoredMaps(HEATMAPS, maps.truths, np.zeros(3))
    assert again.normalised is not maps.normalised, "other maps start anew"
    assert len(calls) == 2


def test_maps_under_another_sound_share_what_the_truths_hold() -> None:
    truths = TruthMasks(TRUTHS)
    under = [ScoredMaps(HEATMAPS * loudness, truths, np.zeros(3)) for loudness in (1, 0.5)]
    assert under[0].truths.inside is under[1].truths.inside
    assert under[0].truths.area is under[1].truths.area


def test_properties_are_the_plain_functions() -> None:
    maps = ScoredMaps(HEATMAPS, TruthMasks(TRUTHS), np.zeros(3))
    np.testing.assert_array_equal(maps.normalised, normalise(HEATMAPS))
    np.testing.assert_array_equal(maps.normalised_median, median_threshold(normalise(HEATMAPS)))
    np.testing.assert_array_equal(maps.iou_on_grid, iou_at(HEATMAPS, maps.truths, GRID))
    np.testing.assert_array_equal(maps.frame_iou_on_grid, frame_iou(HEATMAPS, maps.truths, GRID))
    np.testing.assert_array_equal(maps.f_by_threshold, f_by_threshold(HEATMAPS, maps.truths))
