"""Scores of the extended sets, where some frames hold nothing that sounds: AP, max-F1, LocAcc.

A sample is reported when its confidence reaches a threshold. A reported sample is right if it sounds
and IoU >= 0.5, otherwise a false alarm; a sounding one that is not reported is a miss. A sounding
sample marked in the wrong place is a false alarm but no miss, so recall reaches 1 for any model.
Mo and Morgado, "A Closer Look at Weakly-Supervised Audio-Visual Source Localization", NeurIPS 2022.

Samples have `iou` (N,), `confidence` (N,) and `sounding` (N,) bool: the sound's source is in the frame.
"""

from __future__ import annotations

import numpy as np

from avprompt.metrics.iou import ratio

_AP_POINTS, _F1_POINTS = 200, 10


def precision_recall(
    iou: np.ndarray, confidence: np.ndarray, sounding: np.ndarray, thresholds: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return precision and recall, each (n,), at n confidence thresholds; 1 where nothing counts."""
    order = np.argsort(confidence)
    first = np.searchsorted(confidence[order], thresholds)  # the lowest rank (n,) that is reported
    right = _from_rank((sounding & (iou >= 0.5))[order])[first]
    missed = np.count_nonzero(sounding) - _from_rank(sounding[order])[first]
    return _share(right, len(order) - first), _share(right, right + missed)


def average_precision(iou: np.ndarray, confidence: np.ndarray, sounding: np.ndarray) -> float:
    """Return the area under the precision envelope, as SLAVC's evaluator measures it.

    Thresholds walk down the sorted confidences without the largest, in about 200 steps. The area to
    the left of the first recall is not counted. With uninformative confidence, AP is about LocAcc
    times the share of sounding samples.
    """
    step = max(1, len(iou) // _AP_POINTS)
    thresholds = np.sort(confidence)[:-1][::-step]
    precision, recall = precision_recall(iou, confidence, sounding, thresholds)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(envelope[:-1] * np.diff(recall)))


def max_f1(iou: np.ndarray, confidence: np.ndarray, sounding: np.ndarray) -> float:
    """Return the best F1 over about ten thresholds, evenly spaced among the sorted confidences.

    With uninformative confidence it is 2 a p / (1 + a p) for LocAcc a and a share p of sounding
    samples, so half of its range is no achievement.
    """
    thresholds = np.sort(confidence)[:: max(1, len(iou) // _F1_POINTS)]
    precision, recall = precision_recall(iou, confidence, sounding, thresholds)
    return float(ratio(2 * precision * recall, precision + recall).max())


def localisation_accuracy(iou: np.ndarray, sounding: np.ndarray) -> float:
    """Return LocAcc, the share of sounding samples with IoU >= 0.5; 0 where none sounds.

    SLAVC's evaluator has both comparisons: >= 0.5 where it counts precision and recall, of which the printed
    LocAcc is the precision of sounding samples, and > 0.5 in a function of its own. Ours is the first.
    """
    return float(np.mean(iou[sounding] >= 0.5)) if np.any(sounding) else 0.0


def _from_rank(flags: np.ndarray) -> np.ndarray:
    """Return how many of the flags (N,) are set from each rank on, (N + 1,)."""
    return np.append(np.cumsum(flags[::-1])[::-1], 0)


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.asarray(np.divide(part, whole, out=np.ones(len(whole)), where=whole > 0))
