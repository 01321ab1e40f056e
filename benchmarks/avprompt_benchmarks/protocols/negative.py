"""Negative audio: the true sound is found, and nothing is marked for silence, noise or off-screen sound.

Juanola et al., "A Critical Assessment of Visual Sound Source Localization Models Including Negative
Audio", ICASSP 2025, arXiv 2410.01020. `pIA` is the share of the image that is marked, in 0..1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from avprompt.metrics.iou import SUCCESS_THRESHOLDS, area_under, localisation_scores, overlap_at
from avprompt.plugin import DataError, GroundTruth, IoUProtocol, Measurements, ScoredMaps

HUNDREDTHS = np.arange(101) / 100
"""The thresholds 0, 0.01, .., 1."""


class NegativeAudio(IoUProtocol):
    """Juanola et al. (arXiv 2410.01020): one universal threshold for true and negative sounds.

    The threshold is the third quartile of the maxima of the maps under negative audio, rounded up to
    a hundredth; pixels above it are marked. It comes from the validation split where that was measured
    under negative audio, else from the test set, as in the paper. Needs the measurements under each
    condition as `condition/iou`, `condition/area` and `condition/peak`; conditions that are not
    there are left out of the means.
    """

    name = "negative-audio"
    summary = "universal threshold, the third quartile of negative maxima (>); F_LOC and F_AUC"
    headline = "F_LOC"
    conditions = ("silent", "noise", "off-screen")

    def measure(self, maps: ScoredMaps) -> dict[str, np.ndarray]:
        """Return `iou` and `area`, each (B, 101), above each hundredth, and the maximum `peak` (B,)."""
        overlap = overlap_at(maps.heatmaps, maps.truths, HUNDREDTHS, np.greater)
        return {"iou": overlap.iou, "area": overlap.marked, "peak": maps.heatmaps.max(axis=(1, 2))}

    def choose(self, test: Measurements, validation: Measurements | None) -> int:
        """Return the index into `HUNDREDTHS` of the universal threshold.

        Raises:
            DataError: no condition was measured.
        """
        held_out = validation is not None and self._measured(validation)
        split = validation if validation is not None and held_out else test
        peaks = [split[f"{name}/peak"] for name in self._measured(split)]
        if not peaks:
            raise DataError(f"{self.name} needs maps under silence, noise or off-screen sound.")
        threshold = universal_threshold(np.concatenate(peaks))
        return min(int(np.searchsorted(HUNDREDTHS, threshold)), len(HUNDREDTHS) - 1)

    def sample_iou(self, test: Measurements, choice: int) -> np.ndarray:
        """Return the IoU (N,) under the true sound at the universal threshold."""
        return np.asarray(test["iou"][:, choice])

    def summarise(self, test: Measurements, choice: int) -> dict[str, Any]:
        """Return the scores of the true sound, pIA and AUC_N of each condition, F_LOC and F_AUC."""
        index = choice
        true = localisation_scores(test["iou"][:, index])
        marked = {name: test[f"{name}/area"][:, index] for name in self._measured(test)}
        area = {name: 100 * float(np.mean(share)) for name, share in marked.items()}
        quiet = {name: 100 * quiet_auc(share) for name, share in marked.items()}
        return {
            **true,
            "threshold": float(HUNDREDTHS[index]),
            "pIA": area,
            "AUC_N": quiet,
            "F_LOC": harmonic_mean(true["mean_IoU"], 100 - float(np.mean(list(area.values())))),
            "F_AUC": harmonic_mean(true["AUC"], float(np.mean(list(quiet.values())))),
        }

    def floors(self, truths: Sequence[GroundTruth], columns: Measurements) -> dict[str, dict[str, float]]:
        """Return none: a guess marks the same for every sound, and at the universal threshold nothing."""
        del truths, columns
        return {}

    def ceilings(self, truths: Sequence[GroundTruth], columns: Measurements) -> dict[str, dict[str, float]]:
        """Return none."""
        del truths, columns
        return {}

    def _measured(self, split: Measurements) -> list[str]:
        """Return the conditions that a split was measured under."""
        return [name for name in self.conditions if f"{name}/peak" in split]


def quiet_auc(marked: np.ndarray) -> float:
    """Return AUC_N, the area under the share of samples whose pIA (N,) is at most a rising threshold.

    1 when nothing is marked, so a perfect model scores 100 percent.
    """
    return float(area_under(np.array([np.mean(marked <= share) for share in SUCCESS_THRESHOLDS])))


def universal_threshold(peaks: np.ndarray) -> float:
    """Return the third quartile of the maxima (N,) of maps under negative audio.

    One threshold for all samples that three quarters of the negatives stay below.
    """
    return float(np.quantile(peaks, 0.75))


def harmonic_mean(first: float, second: float) -> float:
    """Return the harmonic mean; 0 where both are 0.

    F_LOC is that of mean IoU and of one minus mean pIA, F_AUC that of AUC and AUC_N.
    """
    return 2 * first * second / (first + second) if first + second else 0.0
