"""Pictures in which several objects sound at once, heard as one mixture: how many of them one map finds.

The IoU with the union of the sources cannot tell: one of two sources of a size has about 0.5 alone, and three
sources with a silent object among them have 0.75.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from avprompt.metrics.iou import SUCCESS_THRESHOLDS, TruthMasks, area_under, ratio
from avprompt.metrics.threshold import GRID
from avprompt.metrics.val_threshold import folds_of
from avprompt.plugin import GroundTruth, Measurements, Protocol, ScoredMaps


class EachSource(Protocol):
    """Every source is found or not, by its own IoU, in which the other sources count neither for nor against.

    For the mask P and the sources G_1 .. G_n of a sample, with P' what P marks outside of all of them,

        IoU_k = |P and G_k| / (|G_k| + |P'|),

    the usual IoU where n = 1. `cIoU` is the share of a sample's sources with IoU_k >= 0.5, averaged over
    samples; `all` the share of samples that have all of theirs. It is the class-aware CIoU of Hu et al., "Mix
    and Localize", CVPR 2022, for methods that make one map of a mixture instead of one for each source: who
    tells the sources apart is not asked. Their CAP and PIAP need a map for each.

    The threshold is chosen as `val-threshold` does, by cIoU, ties broken by the mean IoU.
    """

    name = "each-source"
    summary = "share of a mixture's sources found, each by its own IoU; threshold as in val-threshold"
    headline = "cIoU"

    def measure(self, maps: ScoredMaps) -> dict[str, np.ndarray]:
        """Return `found`, `all`, `auc` and `iou`, each (B, 19), under each threshold of `GRID`."""
        samples = [source_iou(*pair, GRID) for pair in zip(maps.heatmaps, maps.truths.sources, strict=True)]
        scores = [source_scores(iou) for iou in samples]
        return {name: np.stack([score[name] for score in scores]) for name in scores[0]}

    def choose(self, test: Measurements, validation: Measurements | None) -> list[int]:
        """Return the index into `GRID` of the best threshold of the validation split, or of each fold."""
        if validation is not None and len(validation["found"]):
            return [_best(validation, slice(None))]
        folds = folds_of(test["id"])
        return [_best(test, folds != fold) for fold in (0, 1)]

    def per_sample(self, test: Measurements, choice: list[int]) -> dict[str, np.ndarray]:
        """Return `cIoU`, `AUC`, `mean_IoU` and `all` (N,) under the chosen threshold."""
        folds = np.zeros(len(test["found"]), dtype=int) if len(choice) == 1 else folds_of(test["id"])
        columns = np.take(choice, folds)[:, None]
        return {
            name: np.take_along_axis(test[key], columns, axis=1)[:, 0].astype(float)
            for name, key in {"cIoU": "found", "AUC": "auc", "mean_IoU": "iou", "all": "all"}.items()
        }

    def summarise(self, test: Measurements, choice: list[int]) -> dict[str, Any]:
        """Return the means, and the threshold: one, or that of each fold."""
        thresholds = [float(GRID[index]) for index in choice]
        threshold = thresholds[0] if len(thresholds) == 1 else thresholds
        return {**super().summarise(test, choice), "threshold": threshold}

    def floors(self, truths: Sequence[GroundTruth], columns: Measurements) -> dict[str, dict[str, float]]:
        """Return `whole-image`, and where silent objects are annotated `random-object` and `all-objects`."""
        del columns
        scores: dict[str, list[tuple[float, float]]] = defaultdict(list)
        silent = 0
        for truth in truths:
            silent += len(truth.silent)
            for name, masks in _guesses(truth).items():
                scores[name].append(_score(truth, masks))
        names = list(scores) if silent else ["whole-image"]
        means = {name: 100 * np.mean(scores[name], axis=0) for name in names}
        return {name: {"cIoU": float(found), "AUC": float(area)} for name, (found, area) in means.items()}


def source_iou(heatmap: np.ndarray, sources: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Return the IoU (n, T) of a map with each of its sources, other sources left out.

    Args:
        heatmap: (H, W).
        sources: (n, H, W) bool.
        thresholds: (T,), pixels >= them inside.
    """
    thresholds = np.asarray(thresholds, dtype=np.float32)[:, None]
    heatmap = np.asarray(heatmap, dtype=np.float32)
    miss = np.count_nonzero(heatmap[~sources.any(axis=0)] >= thresholds, axis=1)  # (T,)
    covered = np.stack([np.count_nonzero(heatmap[source] >= thresholds, axis=1) for source in sources])
    return ratio(covered, sources.sum(axis=(1, 2))[:, None] + miss)


def source_scores(iou: np.ndarray) -> dict[str, np.ndarray]:
    """Return `found`, `all`, `auc` and `iou`, each (T,) in 0..1, of the IoU (n, T) of a sample's sources."""
    found = iou >= 0.5
    curve = np.stack([(iou >= success).mean(axis=0) for success in SUCCESS_THRESHOLDS])
    return {
        "found": found.mean(axis=0),
        "all": found.all(axis=0).astype(float),
        "auc": area_under(curve),
        "iou": iou.mean(axis=0),
    }


def _best(measured: Measurements, rows: Any) -> int:
    """Return the index of the threshold with the best cIoU; with no sample to learn from, the middle one."""
    found, iou = measured["found"][rows], measured["iou"][rows]
    if len(found) == 0:
        return int(found.shape[1] // 2)
    return int(np.lexsort((iou.mean(axis=0), found.mean(axis=0)))[-1])


def _guesses(truth: GroundTruth) -> dict[str, np.ndarray]:
    """Return the equally likely masks (m, H, W) of each guess that never listens."""
    objects = _sources(truth)
    if len(truth.silent):
        objects = np.concatenate([objects, truth.silent])
    return {
        "whole-image": np.ones((1, *truth.mask.shape), dtype=bool),
        "random-object": objects,
        "all-objects": np.asarray(objects.any(axis=0, keepdims=True)),
    }


def _score(truth: GroundTruth, masks: np.ndarray) -> tuple[float, float]:
    """Return the expected cIoU and AUC of marking one of some masks (m, H, W), in 0..1."""
    scores = [source_scores(source_iou(mask, _sources(truth), np.array([0.5]))) for mask in masks]
    return float(np.mean([s["found"] for s in scores])), float(np.mean([s["auc"] for s in scores]))


def _sources(truth: GroundTruth) -> np.ndarray:
    return TruthMasks(truth.mask[None], [truth.parts]).sources[0]
