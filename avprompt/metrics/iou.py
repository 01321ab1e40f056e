"""Intersection over union of one sample, and the localisation scores made of it.

For a mask P and a truth G, which may hold fractions,

    IoU = sum(P * G) / (sum(G) + sum(P * [G == 0])),

the usual ratio when G is binary. It is 0 where P and G are both empty. "cIoU" of the papers is the
share of samples with IoU >= 0.5, not a mean; AUC is the area under that share as the bar rises from
0 to 1. Senocak et al., "Learning to Localize Sound Source in Visual Scenes", CVPR 2018.
"""

from __future__ import annotations

import numpy as np

BARS = np.arange(21) / 20
"""The bars 0, 0.05, .., 1 under which AUC is the area."""


def overlap_by_threshold(
    heatmaps: np.ndarray,
    truths: np.ndarray,
    thresholds: np.ndarray,
    compare: np.ufunc = np.greater_equal,
) -> tuple[np.ndarray, np.ndarray]:
    """Measure what the mask of every threshold covers, in one pass over the pixels.

    A pixel belongs to the masks of the first `level` thresholds, so a histogram of the levels,
    summed from the top, says what each mask holds. Equal to comparing with each threshold in turn.

    Args:
        heatmaps: (B, H, W), compared in float32.
        truths: (B, H, W) in 0..1.
        thresholds: (n,), rising.
        compare: `np.greater_equal` or `np.greater`.

    Returns:
        sum(P * G) and sum(P * [G == 0]), each (B, n).
    """
    levels = _levels(heatmaps, thresholds, compare)  # (B, H, W)
    hits, misses = (np.empty((len(levels), len(thresholds))) for _ in range(2))
    for level, truth, hit, miss in zip(levels, truths, hits, misses, strict=True):
        size = len(thresholds) + 1
        inside = np.bincount(level.ravel(), weights=truth.ravel(), minlength=size)
        outside = np.bincount(level[truth == 0], minlength=size)
        hit[:], miss[:] = _from_top(inside), _from_top(outside)
    return hits, misses


def area_by_threshold(
    heatmaps: np.ndarray, thresholds: np.ndarray, compare: np.ufunc = np.greater_equal
) -> np.ndarray:
    """Return the share of the image that the mask of every threshold covers, (B, n)."""
    levels = _levels(heatmaps, thresholds, compare)  # (B, H, W)
    size = len(thresholds) + 1
    areas = np.stack([_from_top(np.bincount(level.ravel(), minlength=size)) for level in levels])
    return np.asarray(areas / levels[0].size)


def iou_by_threshold(
    heatmaps: np.ndarray,
    truths: np.ndarray,
    thresholds: np.ndarray,
    compare: np.ufunc = np.greater_equal,
) -> np.ndarray:
    """Return the IoU (B, n) of every map with its truth under each of n rising thresholds."""
    hit, miss = overlap_by_threshold(heatmaps, truths, thresholds, compare)
    return _ratio(hit, truths.sum(axis=(1, 2), dtype=np.float64)[:, None] + miss)


def iou_of(masks: np.ndarray, truths: np.ndarray) -> np.ndarray:
    """Return the IoU (B,) of binary masks (B, H, W) with truths (B, H, W) in 0..1."""
    masks = np.asarray(masks, dtype=bool)
    hit = np.asarray(np.sum(truths, axis=(1, 2), where=masks, dtype=np.float64))
    miss = np.count_nonzero(masks & (truths == 0), axis=(1, 2))
    return _ratio(hit, truths.sum(axis=(1, 2), dtype=np.float64) + miss)


def success(iou: np.ndarray, at: float = 0.5) -> np.ndarray:
    """Return cIoU, the share of samples with IoU >= `at`, over axis 0 of (B, ...)."""
    return np.asarray(np.mean(iou >= at, axis=0))


def auc(iou: np.ndarray) -> np.ndarray:
    """Return the area under cIoU as the bar rises from 0 to 1 by 0.05, over axis 0 of (B, ...)."""
    curve = np.array([success(iou, at) for at in BARS])  # (21, ...)
    return np.asarray(np.mean((curve[1:] + curve[:-1]) / 2, axis=0))


def localisation_scores(iou: np.ndarray) -> dict[str, float]:
    """Summarise the IoU (B,) of all samples as `cIoU`, `AUC` and `mean_IoU`, in percent."""
    scores = {"cIoU": success(iou), "AUC": auc(iou), "mean_IoU": np.mean(iou)}
    return {name: 100 * float(score) for name, score in scores.items()}


def _levels(heatmaps: np.ndarray, thresholds: np.ndarray, compare: np.ufunc) -> np.ndarray:
    """Count how many of the rising thresholds each pixel passes."""
    cuts = np.asarray(thresholds, dtype=np.float32)
    if np.any(np.diff(cuts) < 0):
        raise ValueError(f"thresholds must rise, got {thresholds}")
    heatmaps = np.asarray(heatmaps, dtype=np.float32)
    levels = np.zeros(heatmaps.shape, dtype=np.min_scalar_type(len(cuts)))
    for cut in cuts:
        levels += compare(heatmaps, cut)
    return levels


def _from_top(histogram: np.ndarray) -> np.ndarray:
    """Turn sums by level 0..n into sums over level > k for k = 0..n-1."""
    return np.asarray(np.cumsum(histogram[:0:-1])[::-1])


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Divide; 0 where the whole is 0."""
    return np.asarray(np.divide(part, whole, out=np.zeros(np.shape(part)), where=whole > 0))
