from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from avprompt.metrics.iou import TruthMasks
from avprompt.metrics.scored_maps import ScoredMaps
from avprompt.metrics.threshold import GRID
from avprompt.metrics.val_threshold import ValThreshold, best_threshold


def measured(iou: np.ndarray, ids: list[str] | None = None) -> dict[str, np.ndarray]:
    return {"iou": iou, "id": np.array(ids or [f"clip{i}" for i in range(len(iou))])}


def peaked(index: int, samples: int = 20) -> np.ndarray:
    """IoU that is good at one threshold only."""
    iou = np.full((samples, len(GRID)), 0.1)
    iou[:, index] = 0.8
    return iou


def scored(test: dict[str, np.ndarray], validation: dict[str, np.ndarray] | None) -> dict[str, Any]:
    protocol = ValThreshold()
    return protocol.summarise(test, protocol.choose(test, validation))


def thresholds(test: dict[str, np.ndarray], validation: dict[str, np.ndarray] | None) -> np.ndarray:
    """Find the index (N,) of each sample's threshold: an IoU that is the index tells which was read."""
    protocol, indices = ValThreshold(), np.tile(np.arange(len(GRID)), (len(test["id"]), 1))
    return protocol.sample_iou({**test, "iou": indices}, protocol.choose(test, validation))


def test_best_threshold_breaks_ties_by_mean_iou() -> None:
    assert best_threshold(np.array([[0.6, 0.7, 0.4], [0.1, 0.2, 0.45]])) == 1
    assert best_threshold(np.array([[0.6, 0.2], [0.6, 0.9]])) == 0, "cIoU comes first"
    assert best_threshold(np.zeros((0, 19))) == 9


def test_threshold_is_chosen_on_validation_and_not_on_test() -> None:
    scores = scored(measured(peaked(3)), measured(peaked(12)))
    assert scores["threshold"] == 0.65
    assert scores["cIoU"] == 0
    assert scores["mean_IoU"] == pytest.approx(10)


def test_without_validation_each_fold_takes_the_threshold_of_the_other() -> None:
    test = measured(peaked(4, samples=40))
    first = thresholds({**test, "iou": np.zeros((40, 19))}, None)
    assert set(first.tolist()) == {18}
    in_one_fold = _fold_of(test["id"])
    test["iou"] = np.where(in_one_fold[:, None], peaked(4, 40), peaked(10, 40))
    assert thresholds(test, None).tolist() == np.where(in_one_fold, 10, 4).tolist()
    scores = scored(test, None)
    assert scores["cIoU"] == 0, "each fold was scored with what the other chose"
    assert sorted(scores["threshold"]) == [0.25, 0.55]


def _fold_of(ids: np.ndarray) -> np.ndarray:
    """Find one fold from the outside: give each sample alone a peak and see who moves."""
    iou = np.zeros((len(ids), 19))
    iou[0, 2] = 1
    moved = thresholds({"iou": iou, "id": ids}, None) == 2
    assert not moved[0], "a sample never chooses its own threshold"
    return ~moved


def test_folds_depend_on_ids_alone() -> None:
    iou = np.random.default_rng(0).random((30, 19))
    test = measured(iou)
    order = np.random.default_rng(1).permutation(30)
    shuffled = {name: values[order] for name, values in test.items()}
    assert thresholds(shuffled, None).tolist() == thresholds(test, None)[order].tolist()


def test_an_empty_validation_split_is_no_validation_split() -> None:
    test = measured(peaked(5))
    assert scored(test, measured(np.zeros((0, 19)))) == scored(test, None)


def test_one_sample_is_scored_with_the_middle_threshold() -> None:
    assert thresholds(measured(peaked(5, 1)), None).tolist() == [9]


def test_chosen_thresholds_serve_altered_audio() -> None:
    protocol = ValThreshold()
    choice = protocol.choose(measured(peaked(3)), measured(peaked(7)))
    assert protocol.sample_iou(measured(peaked(7)), choice).tolist() == [0.8] * 20
    assert protocol.sample_iou(measured(peaked(3)), choice).tolist() == [0.1] * 20


def test_some_of_the_samples_keep_the_threshold_of_their_fold() -> None:
    test = measured(np.random.default_rng(0).random((30, 19)))
    choice = ValThreshold().choose(test, None)
    some = {name: values[::3] for name, values in test.items()}
    whole = ValThreshold().sample_iou(test, choice)
    assert ValThreshold().sample_iou(some, choice).tolist() == whole[::3].tolist()


def test_measure_keeps_the_iou_under_every_threshold() -> None:
    heatmaps = np.full((2, 4, 4), 0.5, dtype=np.float32)
    truths = np.ones((2, 4, 4), dtype=np.float32)
    iou = ValThreshold().measure(ScoredMaps(heatmaps, TruthMasks(truths), np.zeros(2)))["iou"]
    assert iou.tolist() == [[1.0] * 10 + [0.0] * 9] * 2
