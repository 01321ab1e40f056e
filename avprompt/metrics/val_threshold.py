"""The protocol that needs no benchmark: one fixed threshold, chosen where it cannot have seen the samples."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from avprompt.metrics.iou import ciou
from avprompt.metrics.protocol import IoUProtocol, Measurements
from avprompt.metrics.scored_maps import ScoredMaps
from avprompt.metrics.threshold import GRID


class ValThreshold(IoUProtocol):
    """One threshold for all samples, chosen where it cannot have seen them.

    The choice is the threshold with the best cIoU, ties broken by mean IoU, on the validation split.
    Without one, the samples fall into two folds by a hash of their ids and each fold is scored with
    the threshold that the other chose.
    """

    name = "val-threshold"
    summary = "fixed threshold (>=) chosen on the validation split, or across two folds without one"

    def measure(self, maps: ScoredMaps) -> dict[str, np.ndarray]:
        """Return `iou` (B, 19), under each threshold of `GRID`."""
        return {"iou": maps.iou_on_grid}

    def choose(self, test: Measurements, validation: Measurements | None) -> list[int]:
        """Return the index into `GRID` of the best threshold of the validation split, or of each fold."""
        if validation is not None and len(validation["iou"]):
            return [best_threshold(validation["iou"])]
        folds = folds_of(test["id"])
        return [best_threshold(test["iou"][folds != fold]) for fold in (0, 1)]

    def sample_iou(self, test: Measurements, choice: list[int]) -> np.ndarray:
        """Return the IoU (N,) under the chosen threshold, that of its fold where there are two."""
        folds = np.zeros(len(test["iou"]), dtype=int) if len(choice) == 1 else folds_of(test["id"])
        return np.take_along_axis(test["iou"], np.take(choice, folds)[:, None], axis=1)[:, 0]

    def summarise(self, test: Measurements, choice: list[int]) -> dict[str, Any]:
        """Return cIoU, AUC, mean IoU and the threshold: one, or that of each fold."""
        thresholds = [float(GRID[index]) for index in choice]
        scores = super().summarise(test, choice)
        return {**scores, "threshold": thresholds[0] if len(thresholds) == 1 else thresholds}


def best_threshold(iou: np.ndarray) -> int:
    """Return the index of the threshold with the best cIoU, ties broken by mean IoU.

    Args:
        iou: (N, n). With no sample to learn from, the middle threshold.
    """
    if len(iou) == 0:
        return int(iou.shape[1] // 2)
    return int(np.lexsort((iou.mean(axis=0), ciou(iou)))[-1])


def folds_of(ids: np.ndarray) -> np.ndarray:
    """Put each sample into fold 0 or 1, by its id alone."""
    return np.array([hashlib.sha256(str(name).encode()).digest()[0] & 1 for name in ids], dtype=int)
