"""How many sources of a mixture one map finds."""

from __future__ import annotations

import numpy as np
import pytest

from avprompt.metrics.iou import TruthMasks
from avprompt.metrics.scored_maps import ScoredMaps
from avprompt.metrics.threshold import GRID
from avprompt.metrics.val_threshold import ValThreshold
from avprompt.records import GroundTruth
from avprompt_benchmarks.protocols.sources import EachSource, source_iou

HALF = np.array([0.5])


def region(*columns: int) -> np.ndarray:
    """Some columns of a picture of 4 x 8 pixels."""
    mask = np.zeros((4, 8), dtype=bool)
    mask[:, columns] = True
    return mask


LEFT, RIGHT, SILENT = region(0, 1), region(3, 4), region(6, 7)
TRUTH = GroundTruth((LEFT | RIGHT).astype(np.float32), SILENT[None], 2, np.stack([LEFT, RIGHT]))


def scores(*maps: np.ndarray) -> dict[str, float]:
    """Score maps of the same scene."""
    heatmaps = np.stack(maps).astype(np.float32)
    truths = TruthMasks(np.stack([TRUTH.mask] * len(maps)), [TRUTH.parts] * len(maps))
    protocol = EachSource()
    test = protocol.measure(ScoredMaps(heatmaps, truths, np.zeros(len(maps))))
    return protocol.summarise(test, protocol.choose(test, test))


def test_a_source_that_is_found_is_not_worth_less_for_another_that_is_too() -> None:
    assert source_iou(LEFT | RIGHT, TRUTH.parts, HALF).tolist() == [[1], [1]]
    assert source_iou(LEFT, TRUTH.parts, HALF).tolist() == [[1], [0]]


def test_what_is_marked_outside_of_the_sources_counts_against_each() -> None:
    """8 pixels of a source beside 8 of something silent are 8 / 16."""
    assert source_iou(LEFT | RIGHT | SILENT, TRUTH.parts, HALF).tolist() == [[0.5], [0.5]]
    assert source_iou(LEFT | SILENT, TRUTH.parts, HALF).tolist() == [[0.5], [0]]
    assert source_iou(np.ones((4, 8)), TRUTH.parts, HALF).tolist() == [[8 / 24], [8 / 24]]


def test_half_of_the_sources_is_half_of_the_score_and_not_all_of_them() -> None:
    found = scores(LEFT)
    assert (found["cIoU"], found["all"], found["mean_IoU"]) == (50, 0, 50)
    both = scores(LEFT | RIGHT)
    assert (both["cIoU"], both["all"], both["AUC"]) == (100, 100, 100)
    assert scores(LEFT, LEFT | RIGHT)["cIoU"] == 75
    assert scores(SILENT)["cIoU"] == 0


def test_the_union_alone_would_call_one_of_two_sources_a_success() -> None:
    maps = ScoredMaps(LEFT[None].astype(np.float32), TruthMasks(TRUTH.mask[None]), np.zeros(1))
    assert ValThreshold().measure(maps)["iou"][0, 0] == 0.5


def test_a_single_source_is_scored_as_val_threshold_does() -> None:
    draw = np.random.default_rng(0)
    truths = TruthMasks((draw.random((6, 4, 8)) < 0.5).astype(np.float32))
    maps = ScoredMaps(draw.random((6, 4, 8), dtype=np.float32), truths, np.zeros(6))
    ids = {"id": np.array(list("abcdef"))}
    usual, each = (protocol.measure(maps) | ids for protocol in (ValThreshold(), EachSource()))
    np.testing.assert_array_equal(each["iou"], usual["iou"])
    for validation in (None, each):
        choice = EachSource().choose(each, validation)
        assert choice == ValThreshold().choose(usual, validation and usual)
        expected, ours = ValThreshold().summarise(usual, choice), EachSource().summarise(each, choice)
        for name in ("cIoU", "AUC", "mean_IoU", "threshold"):
            assert ours[name] == pytest.approx(expected[name])
        assert ours["all"] == ours["cIoU"]


def test_a_truth_that_marks_nothing_is_never_found() -> None:
    for heatmap in (np.zeros((4, 8)), np.ones((4, 8))):
        assert not source_iou(heatmap, np.zeros((1, 4, 8), dtype=bool), GRID).any()


def test_the_floors_are_in_the_same_measure() -> None:
    """All objects: 8 / 16 of either source. One of three at random: a half, a half and nothing."""
    floors = EachSource().floors([TRUTH], {})
    assert {name: floor["cIoU"] for name, floor in floors.items()} == pytest.approx(
        {"whole-image": 0, "random-object": 100 / 3, "all-objects": 100}
    )
    assert set(EachSource().floors([GroundTruth(TRUTH.mask)], {})) == {"whole-image"}
