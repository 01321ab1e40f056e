from __future__ import annotations

import numpy as np
import pytest

from avprompt.metrics.iou import TruthMasks
from avprompt.metrics.scored_maps import ScoredMaps
from avprompt.records import GroundTruth
from avprompt_benchmarks.protocols.avatar import Avatar


def test_scenarios_are_scored_apart() -> None:
    heatmaps = np.zeros((4, 2, 2), dtype=np.float32)
    heatmaps[0], heatmaps[3, 0, 0] = 0.5, 0.7
    truths = np.zeros((4, 2, 2), dtype=np.float32)
    truths[:2] = 1
    test = Avatar().measure(ScoredMaps(heatmaps, TruthMasks(truths), np.zeros(4)))
    scenario = np.array(["single-sound", "mixed-sound", "off-screen", "off-screen"])
    scores = Avatar().summarise({**test, "scenario": scenario}, None)
    assert scores["cIoU"] == 50
    assert scores["by_scenario"]["single-sound"]["cIoU"] == 100
    assert scores["by_scenario"]["mixed-sound"]["cIoU"] == 0
    assert scores["TN"] == 50
    assert "off-screen" not in scores["by_scenario"]


def test_frames_off_screen_count_in_no_mean_and_no_floor() -> None:
    whole, empty = np.ones((2, 2), np.float32), np.zeros((2, 2), np.float32)
    scenario = np.array(["single-sound", "off-screen"])
    rows = Avatar().per_sample({"iou": np.array([0.5, 0.0]), "scenario": scenario}, None)["cIoU"]
    np.testing.assert_array_equal(rows, [1, np.nan])
    truths, columns = [GroundTruth(whole), GroundTruth(empty)], {"scenario": scenario}
    assert Avatar().floors(truths, columns)["whole-image"]["cIoU"] == 100
    assert Avatar().ceilings(truths, columns)["oracle-ranking"]["cIoU"] == 100
    assert Avatar().floors(truths[1:], {"scenario": scenario[1:]}) == {}


def test_tn_needs_off_screen_frames() -> None:
    test = Avatar().measure(ScoredMaps(np.ones((1, 2, 2)), TruthMasks(np.ones((1, 2, 2))), np.zeros(1)))
    scores = Avatar().summarise({**test, "scenario": np.array(["single-sound"])}, None)
    assert "TN" not in scores
    assert scores["AUC"] == pytest.approx(100)
