"""Intersection over union of one sample, and the localisation scores made of it.

For a mask P and a truth G, which may hold fractions,

    IoU = sum(P * G) / (sum(G) + sum(P * [G == 0])),

the usual ratio when G is binary. It is 0 where P and G are both empty. "cIoU" of the papers is the
share of samples with IoU >= 0.5, not a mean; AUC is the area under that share as the bar rises from
0 to 1. Senocak et al., "Learning to Localize Sound Source in Visual Scenes", CVPR 2018.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from avprompt.metrics.sharing import shared

BARS = np.arange(21) / 20
"""The bars 0, 0.05, .., 1 under which AUC is the area."""

_FEW = 40
"""So many cuts are faster tried in turn than told apart by which is nearest."""


def levels_of(
    heatmaps: np.ndarray, thresholds: np.ndarray, compare: np.ufunc = np.greater_equal
) -> np.ndarray:
    """Count how many of n rising thresholds each pixel passes, (B, H, W) in 0..n.

    A pixel belongs to the masks of the first `level` thresholds, so one histogram of the levels,
    summed from the top, says what every mask holds: equal to comparing with each in turn, in float32.

    Args:
        heatmaps: (B, H, W).
        thresholds: (n,), rising.
        compare: `np.greater_equal` or `np.greater`.
    """
    cuts = np.asarray(thresholds, dtype=np.float32)
    if np.any(np.diff(cuts) < 0):
        raise ValueError(f"thresholds must rise, got {thresholds}")
    heatmaps = np.asarray(heatmaps, dtype=np.float32)
    levels = np.zeros(heatmaps.shape, dtype=np.min_scalar_type(len(cuts)))
    if len(cuts) > _FEW and _even(cuts):
        for heatmap, level in zip(heatmaps, levels, strict=True):
            nearest = _nearest(heatmap, cuts, levels.dtype)
            np.add(nearest, compare(heatmap, cuts[nearest]), out=level)
        return levels
    for cut in cuts:
        levels += compare(heatmaps, cut)
    return levels


def overlap(levels: np.ndarray, truths: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Measure what the mask P of each of `count` thresholds covers of the truths G (B, H, W).

    Returns:
        sum(P * G) and sum(P * [G == 0]), each (B, count).
    """
    inside, whole, _ = foreground(truths)
    passed = np.stack(
        [count_sides(*pair, count) for pair in zip(levels, inside, strict=True)]
    )  # (B, 2, count)
    miss, hit = passed[:, 0].astype(np.float64), passed[:, 1].astype(np.float64)
    if not whole:  # fractions must be summed, not counted
        pairs = zip(levels, truths, strict=True)
        hit = np.stack([weigh(level, truth, count) for level, truth in pairs])
    return hit, miss


class Foreground(NamedTuple):
    """What truths G (B, H, W) hold.

    Attributes:
        inside: where G > 0, (B, H, W) bool.
        whole: no truth holds a fraction.
        size: sum(G), (B,) float64.
    """

    inside: np.ndarray
    whole: bool
    size: np.ndarray


@shared
def foreground(truths: np.ndarray) -> Foreground:
    """Return what truths (B, H, W) hold."""
    inside = np.asarray(truths) > 0
    size = _count(inside)
    if all(np.count_nonzero(truth == 1) == pixels for truth, pixels in zip(truths, size, strict=True)):
        return Foreground(inside, True, size)
    return Foreground(inside, False, truths.sum(axis=(1, 2), dtype=np.float64))


def iou_by_threshold(
    heatmaps: np.ndarray,
    truths: np.ndarray,
    thresholds: np.ndarray,
    compare: np.ufunc = np.greater_equal,
) -> np.ndarray:
    """Return the IoU (B, n) of every map with its truth under each of n rising thresholds."""
    hit, miss = overlap(levels_of(heatmaps, thresholds, compare), truths, len(thresholds))
    return ratio(hit, foreground(truths).size[:, None] + miss)


def iou_of(masks: np.ndarray, truths: np.ndarray) -> np.ndarray:
    """Return the IoU (B,) of binary masks (B, H, W) with truths (B, H, W) in 0..1."""
    masks = np.asarray(masks, dtype=bool)
    inside, whole, size = foreground(truths)
    hit = _count(masks & inside)
    miss = _count(masks) - hit
    if not whole:  # fractions must be summed, not counted
        hit = (masks * truths).sum(axis=(1, 2), dtype=np.float64)
    return ratio(hit, size + miss)


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


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Divide; 0 where the whole is 0."""
    return np.asarray(np.divide(part, whole, out=np.zeros(np.shape(part)), where=whole > 0))


def _count(masks: np.ndarray) -> np.ndarray:
    """Count the pixels of masks (B, H, W) bool; one mask at a time, which is ten times faster."""
    return np.array([np.count_nonzero(mask) for mask in masks], dtype=np.float64)


def _even(cuts: np.ndarray) -> bool:
    """Say whether rising cuts are as good as evenly spaced."""
    ideal = np.linspace(cuts[0], cuts[-1], len(cuts))
    return bool(np.abs(cuts - ideal).max() < (cuts[-1] - cuts[0]) / (4 * len(cuts)))


def _nearest(heatmap: np.ndarray, cuts: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    """Return which evenly spaced cut each pixel is nearest to: it passes all before, and none after."""
    place = (heatmap - cuts[0]) * np.float32((len(cuts) - 1) / (cuts[-1] - cuts[0]))
    np.rint(place, out=place)
    np.fmax(place, 0, out=place)
    np.fmin(place, len(cuts) - 1, out=place)
    return np.asarray(place, dtype=dtype)


def count_sides(level: np.ndarray, inside: np.ndarray, count: int) -> np.ndarray:
    """Count pixels over level > k for each k = 0..count-1, outside and inside of a truth, (2, count)."""
    dtype = np.min_scalar_type(2 * count + 1)
    code = np.add(level, inside * dtype.type(count + 1), dtype=dtype)  # one histogram for both
    histogram = np.bincount(code.ravel(), minlength=2 * (count + 1)).reshape(2, count + 1)
    return np.asarray(np.cumsum(histogram[:, :0:-1], axis=1)[:, ::-1])


def weigh(level: np.ndarray, weights: np.ndarray | None, count: int) -> np.ndarray:
    """Sum weights, or count pixels, over level > k for each k = 0..count-1."""
    flat = None if weights is None else weights.ravel()
    histogram = np.bincount(level.ravel(), weights=flat, minlength=count + 1)
    return np.asarray(np.cumsum(histogram[:0:-1])[::-1])
