"""Scores under negative audio: silence, noise or off-screen sound, for which nothing may be marked.

Juanola et al., "A Critical Assessment of Visual Sound Source Localization Models Including Negative
Audio", ICASSP 2025, arXiv 2410.01020. `pIA` is the share of the image that is marked, in 0..1.
"""

from __future__ import annotations

import numpy as np

from avprompt.metrics.iou import SUCCESS_THRESHOLDS, area_under


def quiet_auc(marked: np.ndarray) -> float:
    """Return AUC_N, the area under the share of samples whose pIA (N,) is at most a rising threshold.

    1 when nothing is marked, so a perfect model scores 100 percent.
    """
    return float(area_under(np.array([np.mean(marked <= share) for share in SUCCESS_THRESHOLDS])))


def universal_threshold(peaks: np.ndarray) -> float:
    """Return the third quartile of the maxima (N,) of maps under negative audio.

    One threshold for all samples, that three quarters of the negatives stay below.
    """
    return float(np.quantile(peaks, 0.75))


def harmonic_mean(first: float, second: float) -> float:
    """Return the harmonic mean; 0 where both are 0.

    F_LOC is that of mean IoU and of one minus mean pIA, F_AUC that of AUC and AUC_N.
    """
    return 2 * first * second / (first + second) if first + second else 0.0
