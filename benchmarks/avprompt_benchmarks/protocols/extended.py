"""The protocol of Extended VGG-SS and Extended Flickr: is there a source, and where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from avprompt.metrics.detection import average_precision, localisation_accuracy, max_f1
from avprompt.metrics.floors import guess_iou
from avprompt.metrics.iou import iou_of
from avprompt.metrics.threshold import GRID, binarise, median_threshold
from avprompt.plugin import GroundTruth, Measurements, Protocol, ScoredMaps


class SlavcExtended(Protocol):
    """SLAVC's evaluator (NeurIPS 2022) with relative prediction, and ACL-SSL's sweep beside it.

    The headline marks the half of each map that ranks highest; `by_threshold` has the fixed thresholds
    that ACL-SSL prints. An IoU of exactly 0.5 is a success, in LocAcc too. Which confidence a method gives
    differs between papers, and the numbers with it. `sounding` (N,) says which samples have their source in
    the frame; without that column it is those with a truth that is not empty.
    """

    name = "slavc-extended"
    summary = "AP, max-F1 and LocAcc over sounding and silent frames, each map's own median (>=)"
    headline = "AP"
    needs = ("sounding",)

    def measure(self, maps: ScoredMaps) -> dict[str, np.ndarray]:
        """Return `iou` (B,), `iou_by_threshold` (B, 19), `confidence` (B,) and `visible` (B,)."""
        return {
            "iou": iou_of(binarise(maps.heatmaps, median_threshold(maps.heatmaps)), maps.truths),
            "iou_by_threshold": maps.iou_on_grid,
            "confidence": np.asarray(maps.confidence),
            "visible": maps.truths.area > 0,
        }

    def per_sample(self, test: Measurements, choice: None) -> dict[str, np.ndarray]:
        """Return `LocAcc` of every sounding sample; AP and max-F1 are of all samples together."""
        del choice
        return {"LocAcc": np.where(_sounding(test), test["iou"] >= 0.5, np.nan)}

    def summarise(self, test: Measurements, choice: None) -> dict[str, Any]:
        """Return AP, max-F1 and LocAcc, and the same for each fixed threshold."""
        del choice
        sounding = _sounding(test)
        sweep = {
            f"{at:.2f}": _scores(test["iou_by_threshold"][:, k], test["confidence"], sounding)
            for k, at in enumerate(GRID)
        }
        return {**_scores(test["iou"], test["confidence"], sounding), "by_threshold": sweep}

    def floors(self, truths: Sequence[GroundTruth], columns: Measurements) -> dict[str, dict[str, float]]:
        """Return AP, max-F1 and LocAcc of guesses whose confidence is drawn at random."""
        confidence = np.random.default_rng(0).random(len(truths))
        sounding = np.array([np.any(truth.mask) for truth in truths])
        sounding = np.asarray(columns.get("sounding", sounding), dtype=bool)
        return {name: _scores(iou, confidence, sounding) for name, iou in guess_iou(truths).items()}


def _sounding(test: Measurements) -> np.ndarray:
    return np.asarray(test.get("sounding", test["visible"]), dtype=bool)


def _scores(iou: np.ndarray, confidence: np.ndarray, sounding: np.ndarray) -> dict[str, float]:
    return {
        "AP": 100 * average_precision(iou, confidence, sounding),
        "max_F1": 100 * max_f1(iou, confidence, sounding),
        "LocAcc": 100 * localisation_accuracy(iou, sounding),
    }
