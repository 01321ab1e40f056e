"""The protocol that needs no benchmark: one fixed threshold, chosen where it cannot have seen the samples."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from avprompt.metrics.iou import ciou, localisation_scores
from avprompt.metrics.protocol import Measurements, Protocol
from avprompt.metrics.scored_maps import ScoredMaps
from avprompt.metrics.threshold import GRID


class ValThreshold(Protocol):
    """One threshold for all samples, chosen where it cannot have seen them.

    The choice is the threshold with the best cIoU, ties broken by mean IoU, on the validation split.
    Without one, the samples fall into two folds by a hash of their ids and each fold is scored with
    the threshold that the other chose.
    """

    name = "val-threshold"
    summary = "fixed threshold (>=) chosen on the validation split, or across two folds without one"
    headline = "cIoU"

    def measure(self, maps: ScoredMaps) -> dict[str, np.ndarray]:
        """Return `iou` (B, 19), under each threshold of `GRID`."""
        return {"iou": maps.iou_on_grid}

    def thresholds(self, test: Measurements, validation: Measurements | None) -> np.ndarray:
        """Return the index into `GRID` (N,) of the threshold that each test sample is scored with."""
        best = self._best(test, validation)
        folds = np.zeros(len(test["iou"]), dtype=int) if len(best) == 1 else _folds(test["id"])
        return np.take(best, folds)

    def iou_at(self, measured: Measurements, thresholds: np.ndarray) -> np.ndarray:
        """Return the IoU (N,) of samples under their own threshold, such as under altered audio."""
        return np.take_along_axis(measured["iou"], thresholds[:, None], axis=1)[:, 0]

    def sample_iou(self, test: Measurements, validation: Measurements | None) -> np.ndarray:
        """Return the IoU (N,) under the chosen thresholds."""
        return self.iou_at(test, self.thresholds(test, validation))

    def summarise(self, test: Measurements, validation: Measurements | None) -> dict[str, Any]:
        """Return cIoU, AUC, mean IoU and the threshold: one, or that of each fold."""
        used = [float(GRID[index]) for index in self._best(test, validation)]
        scores = localisation_scores(self.sample_iou(test, validation))
        return {**scores, "threshold": used[0] if len(used) == 1 else used}

    def _best(self, test: Measurements, validation: Measurements | None) -> list[int]:
        """Return the index of the best threshold on the validation split, or for each of two folds."""
        if validation is not None and len(validation["iou"]):
            return [best_threshold(validation["iou"])]
        folds = _folds(test["id"])
        return [best_threshold(test["iou"][folds != fold]) for fold in (0, 1)]


def best_threshold(iou: np.ndarray) -> int:
    """Return the index of the threshold with the best cIoU, ties broken by mean IoU.

    Args:
        iou: (N, n). With no sample to learn from, the middle threshold.
    """
    if len(iou) == 0:
        return int(iou.shape[1] // 2)
    return int(np.lexsort((iou.mean(axis=0), ciou(iou)))[-1])


def _folds(ids: np.ndarray) -> np.ndarray:
    """Put each sample into fold 0 or 1, by its id alone."""
    return np.array([hashlib.sha256(str(name).encode()).digest()[0] & 1 for name in ids], dtype=int)
