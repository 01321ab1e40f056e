"""Scores of AVSBench: the IoU and the F-measure of frames, empty ones included.

Zhou et al., "Audio-Visual Segmentation", ECCV 2022. Truths are binary here: whatever is above zero
is foreground.
"""

from __future__ import annotations

import numpy as np

from avprompt.metrics.iou import TruthMasks, overlap_at, ratio

F_THRESHOLDS = np.linspace(0, 1 - 1e-10, 255)
"""The thresholds over which the best F-measure is taken."""

BETA_SQUARED = 0.3
"""Weighs precision above recall in the F-measure."""


def frame_iou(heatmaps: np.ndarray, truths: TruthMasks, thresholds: np.ndarray) -> np.ndarray:
    """Return the IoU (B, n) of frames (B, H, W) under each of n thresholds, pixels > it inside.

    In a frame without foreground it is the share of pixels rightly left out, 1 for an empty mask.
    """
    overlap = overlap_at(heatmaps, truths.foreground, thresholds, np.greater)
    pixels = truths.inside[0].size
    filled = overlap.hit / (overlap.area + overlap.miss + 1e-7)
    empty = (pixels - overlap.miss) / (pixels + 1e-7)
    return np.asarray(np.where(overlap.area > 0, filled, empty))


def f_by_threshold(heatmaps: np.ndarray, truths: TruthMasks) -> np.ndarray:
    """Return the F-measure (B, 255) of frames (B, H, W) at each of `F_THRESHOLDS`, pixels >= it inside.

    A frame without foreground has none: its row is NaN, and averages leave it out.
    """
    overlap = overlap_at(heatmaps, truths.foreground, F_THRESHOLDS)
    precision = overlap.hit / (overlap.hit + overlap.miss + 1e-20)
    recall = overlap.hit / (overlap.area + 1e-20)
    weighted = BETA_SQUARED * precision + recall
    f = ratio((1 + BETA_SQUARED) * precision * recall, weighted)
    return np.asarray(np.where(overlap.area > 0, f, np.nan))


def best_f(f: np.ndarray) -> float:
    """Return the best over thresholds of the mean F-measure of frames (B, 255), empty ones left out.

    NaN where no frame has foreground.
    """
    filled = f[~np.isnan(f).any(axis=1)]
    return float(filled.mean(axis=0).max()) if len(filled) else float("nan")


def batch_means(values: np.ndarray, f: np.ndarray, size: int) -> tuple[float, float]:
    """Average frame IoU (N,) and best F by batches of `size` frames in order, batches weighed equally.

    This is how the official evaluator aggregates: the threshold of F is chosen anew for each batch, a short
    last batch weighs as much as a full one, and a batch without foreground counts as an F of 0. Smaller
    batches score a higher F.
    """
    starts = range(0, len(values), size)
    iou = [values[start : start + size].mean() for start in starts]
    best = [best_f(f[start : start + size]) for start in starts]
    return float(np.mean(iou)), float(np.mean(np.nan_to_num(best)))
