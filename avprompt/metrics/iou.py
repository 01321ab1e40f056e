"""Intersection over union of one sample, and the localisation scores made of it.

For a mask P and a truth G, which may hold fractions,

    IoU = sum(P * G) / (sum(G) + sum(P * [G == 0])),

the usual ratio when G is binary. It is 0 where P and G are both empty: official code divides 0 by 0
there, and a NaN is no success at any threshold, so cIoU is the same, and means stay numbers. "cIoU" of the
papers is the share of samples with IoU >= 0.5, not a mean; AUC is the area under that share as the
threshold of success rises from 0 to 1. Senocak et al., "Learning to Localize Sound Source in Visual
Scenes", CVPR 2018.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

SUCCESS_THRESHOLDS = np.arange(21) / 20
"""The IoU 0, 0.05, .., 1 from which a sample counts as found; AUC is the area over them."""


@dataclass(frozen=True, eq=False)
class TruthMasks:
    """Truths G, with what every comparison asks of them worked out once.

    Attributes:
        values: (B, H, W) in 0..1; they must not change any more.
        parts: the masks (n, H, W) bool of each sample's sources, n = 0 where a benchmark does not tell them
            apart; or () where it never does.
    """

    values: np.ndarray
    parts: Sequence[np.ndarray] = ()

    @cached_property
    def inside(self) -> np.ndarray:
        """Where G > 0, (B, H, W) bool."""
        return np.asarray(self.values > 0)

    @cached_property
    def sources(self) -> list[np.ndarray]:
        """The masks (n, H, W) bool of each sample's sources; all of G where they are not told apart."""
        apart = self.parts or [np.zeros((0, 1, 1), dtype=bool)] * len(self.values)
        return [
            masks if len(masks) else inside[None] for masks, inside in zip(apart, self.inside, strict=True)
        ]

    @cached_property
    def binary(self) -> bool:
        """Whether no truth holds a fraction, so that pixels may be counted instead of summed."""
        return bool(np.array_equal(count(self.values == 1), count(self.inside)))

    @cached_property
    def area(self) -> np.ndarray:
        """sum(G), (B,) float64."""
        if self.binary:
            return count(self.inside)
        return np.asarray(self.values.sum(axis=(1, 2), dtype=np.float64))

    @cached_property
    def foreground(self) -> TruthMasks:
        """The same truths with every fraction made 1."""
        return self if self.binary else TruthMasks(self.inside.astype(np.float32))


@dataclass(frozen=True, eq=False)
class Overlap:
    """What the masks P of n thresholds cover of truths G.

    Attributes:
        hit: sum(P * G), (B, n).
        miss: sum(P * [G == 0]), (B, n).
        marked: share of the image that P covers, (B, n) in 0..1.
        area: sum(G), (B, 1).
    """

    hit: np.ndarray
    miss: np.ndarray
    marked: np.ndarray
    area: np.ndarray

    @property
    def iou(self) -> np.ndarray:
        """The IoU (B, n)."""
        return ratio(self.hit, self.area + self.miss)


def overlap_at(
    heatmaps: np.ndarray, truths: TruthMasks, thresholds: np.ndarray, compare: np.ufunc = np.greater_equal
) -> Overlap:
    """Compare every map with each threshold in turn, in float32.

    Args:
        heatmaps: (B, H, W).
        truths: of the same B samples.
        thresholds: (n,), in any order.
        compare: `np.greater_equal` or `np.greater`.
    """
    thresholds = np.asarray(thresholds, dtype=np.float32)
    covered, hit, miss = np.zeros((3, len(heatmaps), len(thresholds)))
    for k, (heatmap, inside) in enumerate(zip(heatmaps, truths.inside, strict=True)):
        pixels = np.asarray(heatmap, dtype=np.float32)
        on_truth, elsewhere = pixels[inside], pixels[~inside]
        covered[k] = [np.count_nonzero(compare(on_truth, threshold)) for threshold in thresholds]
        miss[k] = [np.count_nonzero(compare(elsewhere, threshold)) for threshold in thresholds]
        if not truths.binary:  # fractions must be summed, not counted
            weights = truths.values[k][inside].astype(np.float64)
            hit[k] = compare(on_truth, thresholds[:, None]) @ weights
    marked = (covered + miss) / truths.inside[0].size
    return Overlap(covered if truths.binary else hit, miss, marked, truths.area[:, None])


def iou_at(
    heatmaps: np.ndarray, truths: TruthMasks, thresholds: np.ndarray, compare: np.ufunc = np.greater_equal
) -> np.ndarray:
    """Return the IoU (B, n) of every map with its truth under each of n thresholds; see `overlap_at`."""
    return overlap_at(heatmaps, truths, thresholds, compare).iou


def iou_of(masks: np.ndarray, truths: TruthMasks) -> np.ndarray:
    """Return the IoU (B,) of binary masks (B, H, W) with as many truths."""
    masks = np.asarray(masks, dtype=bool)
    covered = count(masks & truths.inside)
    miss = count(masks) - covered
    hit = covered if truths.binary else (masks * truths.values).sum(axis=(1, 2), dtype=np.float64)
    return ratio(hit, truths.area + miss)


def ciou(iou: np.ndarray, threshold: float = 0.5) -> np.ndarray:
    """Return cIoU, the share of samples with IoU >= `threshold`, over axis 0 of (B, ...)."""
    return np.asarray(np.mean(iou >= threshold, axis=0))


def auc(iou: np.ndarray) -> np.ndarray:
    """Return the area under cIoU as its threshold rises from 0 to 1 by 0.05, over axis 0 of (B, ...)."""
    return area_under(np.array([ciou(iou, threshold) for threshold in SUCCESS_THRESHOLDS]))


def area_under(curve: np.ndarray) -> np.ndarray:
    """Return the area (...) under a curve (n, ...) over 0..1 at even steps, by trapezoids."""
    return np.asarray(np.mean((curve[1:] + curve[:-1]) / 2, axis=0))


def localisation_scores(iou: np.ndarray) -> dict[str, float]:
    """Summarise the IoU (B,) of all samples as `cIoU`, `AUC` and `mean_IoU`, in percent."""
    scores = {"cIoU": ciou(iou), "AUC": auc(iou), "mean_IoU": np.mean(iou)}
    return {name: 100 * float(score) for name, score in scores.items()}


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Divide; 0 where the whole is 0."""
    return np.asarray(np.divide(part, whole, out=np.zeros(np.shape(part)), where=whole > 0))


def count(masks: np.ndarray) -> np.ndarray:
    """Count the pixels (B,) of masks (B, H, W) bool; one mask at a time, which is ten times faster."""
    return np.array([np.count_nonzero(mask) for mask in masks], dtype=np.float64)
