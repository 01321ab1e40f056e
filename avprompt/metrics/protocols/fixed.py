"""Protocols that try fixed thresholds: chosen on held-out data, or on the test set itself."""

from __future__ import annotations

import hashlib
from typing import Any, ClassVar

import numpy as np

from avprompt.metrics.hundredths import tally
from avprompt.metrics.iou import localisation_scores, success
from avprompt.metrics.protocol import Measurements, Protocol

GRID = np.arange(1, 20) / 20
"""The thresholds 0.05, 0.10, .., 0.95."""


class Sweep(Protocol):
    """Base of both: the IoU of every sample under each threshold of the grid, pixels >= it inside."""

    headline: ClassVar[str] = "cIoU"

    def measure(
        self, heatmaps: np.ndarray, truths: np.ndarray, confidence: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Return `iou` (B, 19)."""
        del confidence
        return {"iou": iou_on_grid(heatmaps, truths)}


class ValThreshold(Sweep):
    """One threshold for all samples, chosen where it cannot have seen them.

    The choice is the threshold with the best cIoU, ties broken by mean IoU, on the validation split.
    Without one, the samples fall into two folds by a hash of their ids and each fold is scored with
    the threshold that the other chose.
    """

    name = "val-threshold"
    summary = "fixed threshold (>=) chosen on the validation split, or across two folds without one"

    def thresholds(self, test: Measurements, validation: Measurements | None) -> np.ndarray:
        """Return the index into `GRID` (N,) of the threshold that each test sample is scored with."""
        chosen = self._chosen(test, validation)
        folds = np.zeros(len(test["iou"]), dtype=int) if len(chosen) == 1 else _folds(test["id"])
        return np.take(chosen, folds)

    def iou_at(self, measured: Measurements, thresholds: np.ndarray) -> np.ndarray:
        """Return the IoU (N,) of samples under their own threshold, such as under altered audio."""
        return np.take_along_axis(measured["iou"], thresholds[:, None], axis=1)[:, 0]

    def sample_iou(self, test: Measurements, validation: Measurements | None) -> np.ndarray:
        """Return the IoU (N,) under the chosen thresholds."""
        return self.iou_at(test, self.thresholds(test, validation))

    def summarise(self, test: Measurements, validation: Measurements | None) -> dict[str, Any]:
        """Return cIoU, AUC, mean IoU and the threshold: one, or that of each fold."""
        used = [float(GRID[index]) for index in self._chosen(test, validation)]
        scores = localisation_scores(self.sample_iou(test, validation))
        return {**scores, "threshold": used[0] if len(used) == 1 else used}

    def _chosen(self, test: Measurements, validation: Measurements | None) -> list[int]:
        if validation is not None and len(validation["iou"]):
            return [best_threshold(validation["iou"])]
        folds = _folds(test["id"])
        return [best_threshold(test["iou"][folds != fold]) for fold in (0, 1)]


class AclSweep(Sweep):
    """ACL-SSL's evaluator: every threshold on the test set, the best one as the headline.

    The headline threshold is chosen on the samples that it scores, which flatters a method; it is
    what the papers print. arXiv 2311.04066.
    """

    name = "acl-sweep"
    summary = "19 fixed thresholds 0.05..0.95 (>=), the best on the test set itself as headline"

    def sample_iou(self, test: Measurements, validation: Measurements | None) -> np.ndarray:
        """Return the IoU (N,) under the threshold that is best on the test set."""
        del validation
        return np.asarray(test["iou"][:, best_threshold(test["iou"])])

    def summarise(self, test: Measurements, validation: Measurements | None) -> dict[str, Any]:
        """Return the scores at the best threshold, and `by_threshold` those at each."""
        del validation
        iou, best = test["iou"], best_threshold(test["iou"])
        sweep = {f"{at:.2f}": localisation_scores(iou[:, k]) for k, at in enumerate(GRID)}
        return {**localisation_scores(iou[:, best]), "threshold": float(GRID[best]), "by_threshold": sweep}


def iou_on_grid(heatmaps: np.ndarray, truths: np.ndarray) -> np.ndarray:
    """Return the IoU (B, 19) of maps with their truths under each threshold of `GRID` (>=)."""
    return np.ascontiguousarray(tally(heatmaps, truths).iou[0, :, 5:100:5])


def best_threshold(iou: np.ndarray) -> int:
    """Return the index of the threshold with the best cIoU, ties broken by mean IoU.

    Args:
        iou: (N, n). With no sample to learn from, the middle threshold.
    """
    if len(iou) == 0:
        return int(iou.shape[1] // 2)
    ranked = np.lexsort((iou.mean(axis=0), success(iou)))
    return int(ranked[-1])


def _folds(ids: np.ndarray) -> np.ndarray:
    """Put each sample into fold 0 or 1, by its id alone."""
    return np.array([hashlib.sha256(str(name).encode()).digest()[0] & 1 for name in ids], dtype=int)
