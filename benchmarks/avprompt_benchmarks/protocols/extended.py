"""The protocol of Extended VGG-SS and Extended Flickr: is there a source, and where."""

from __future__ import annotations

from typing import Any

import numpy as np

from avprompt.metrics.detection import average_precision, localisation_accuracy, max_f1
from avprompt.metrics.iou import iou_of
from avprompt.metrics.threshold import GRID, binarise, median_threshold
from avprompt.plugin import Measurements, Protocol, ScoredMaps


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

    def sample_iou(self, test: Measurements, validation: Measurements | None) -> np.ndarray:
        """Return the IoU (N,) under the median."""
        del validation
        return test["iou"]

    def summarise(self, test: Measurements, validation: Measurements | None) -> dict[str, Any]:
        """Return AP, max-F1 and LocAcc, and the same for each fixed threshold."""
        del validation
        sounding = np.asarray(test.get("sounding", test["visible"]), dtype=bool)
        sweep = {
            f"{at:.2f}": _scores(test["iou_by_threshold"][:, k], test["confidence"], sounding)
            for k, at in enumerate(GRID)
        }
        return {**_scores(test["iou"], test["confidence"], sounding), "by_threshold": sweep}


def _scores(iou: np.ndarray, confidence: np.ndarray, sounding: np.ndarray) -> dict[str, float]:
    return {
        "AP": 100 * average_precision(iou, confidence, sounding),
        "max_F1": 100 * max_f1(iou, confidence, sounding),
        "LocAcc": 100 * localisation_accuracy(iou, sounding),
    }
