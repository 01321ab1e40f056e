"""Scores of AVSBench: the IoU and the F-measure of frames, empty ones included.

Zhou et al., "Audio-Visual Segmentation", ECCV 2022. Truths are binary here: whatever is above zero
is foreground. Frames come as (B, H, W) like everywhere.
"""

from __future__ import annotations

import numpy as np

from avprompt.metrics.iou import foreground, levels_of, overlap, ratio
from avprompt.metrics.sharing import shared

F_THRESHOLDS = np.linspace(0, 1 - 1e-10, 255)
"""The thresholds over which the best F-measure is taken."""

BETA_SQUARED = 0.3
"""Weighs precision above recall in the F-measure."""


def frame_iou(heatmaps: np.ndarray, truths: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Return the IoU (B, n) of frames under each of n rising thresholds, pixels > it inside.

    In a frame without foreground it is the share of pixels rightly left out, 1 for an empty mask.
    """
    truths = _binary(truths)
    hit, miss = overlap(levels_of(heatmaps, thresholds, np.greater), truths, len(thresholds))
    size = foreground(truths).size[:, None]
    pixels = truths[0].size
    return np.asarray(np.where(size > 0, hit / (size + miss + 1e-7), (pixels - miss) / (pixels + 1e-7)))


def f_by_threshold(heatmaps: np.ndarray, truths: np.ndarray) -> np.ndarray:
    """Return the F-measure (B, 255) of frames at each of `F_THRESHOLDS`, pixels >= it inside.

    A frame without foreground has none: its row is NaN, and averages leave it out.
    """
    truths = _binary(truths)
    hit, miss = overlap(levels_of(heatmaps, F_THRESHOLDS), truths, len(F_THRESHOLDS))
    size = foreground(truths).size[:, None]
    precision, recall = hit / (hit + miss + 1e-20), hit / (size + 1e-20)
    weighted = BETA_SQUARED * precision + recall
    f = ratio((1 + BETA_SQUARED) * precision * recall, weighted)
    return np.asarray(np.where(size > 0, f, np.nan))


@shared
def _binary(truths: np.ndarray) -> np.ndarray:
    """Return 1 where a truth is above 0, else 0."""
    return np.asarray(truths > 0, dtype=np.float32)


def best_f(f: np.ndarray) -> float:
    """Return the best over thresholds of the mean F-measure of frames (B, 255), empty ones left out.

    NaN where no frame has foreground.
    """
    filled = f[~np.isnan(f).any(axis=1)]
    return float(filled.mean(axis=0).max()) if len(filled) else float("nan")


def batch_means(values: np.ndarray, f: np.ndarray, size: int) -> tuple[float, float]:
    """Average frame IoU (N,) and best F by batches of `size` frames in order, batches weighed equally.

    This is how the official evaluator aggregates: the threshold of F is chosen anew for each batch,
    and a short last batch weighs as much as a full one. Smaller batches score a higher F.
    """
    starts = range(0, len(values), size)
    iou = [values[start : start + size].mean() for start in starts]
    best = [best_f(f[start : start + size]) for start in starts]
    return float(np.mean(iou)), float(np.nanmean(best))
