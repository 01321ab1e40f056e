"""The protocol of negative audio: the true sound is found, and nothing is marked for a false one."""

from __future__ import annotations

from typing import Any

import numpy as np

from avprompt.errors import DataError
from avprompt.metrics.hundredths import CUTS, tally
from avprompt.metrics.iou import localisation_scores
from avprompt.metrics.negative import harmonic_mean, quiet_auc, universal_threshold
from avprompt.metrics.protocol import Measurements, Protocol


class NegativeAudio(Protocol):
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

    def measure(
        self, heatmaps: np.ndarray, truths: np.ndarray, confidence: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Return `iou` and `area`, each (B, 101), above each hundredth, and the maximum `peak` (B,)."""
        del confidence
        found = tally(heatmaps, truths)
        return {
            "iou": found.iou[1],
            "area": found.marked[1],
            "peak": heatmaps.max(axis=(1, 2)),
        }

    def sample_iou(self, test: Measurements, validation: Measurements | None) -> np.ndarray:
        """Return the IoU (N,) under the true sound at the universal threshold."""
        return np.asarray(test["iou"][:, self._cut(test, validation)])

    def summarise(self, test: Measurements, validation: Measurements | None) -> dict[str, Any]:
        """Return the scores of the true sound, pIA and AUC_N of each condition, F_LOC and F_AUC.

        Raises:
            DataError: no condition was measured.
        """
        cut = self._cut(test, validation)
        true = localisation_scores(test["iou"][:, cut])
        marked = {name: test[f"{name}/area"][:, cut] for name in self._measured(test)}
        area = {name: 100 * float(np.mean(each)) for name, each in marked.items()}
        quiet = {name: 100 * quiet_auc(each) for name, each in marked.items()}
        return {
            **true,
            "threshold": float(CUTS[cut]),
            "pIA": area,
            "AUC_N": quiet,
            "F_LOC": harmonic_mean(true["mean_IoU"], 100 - float(np.mean(list(area.values())))),
            "F_AUC": harmonic_mean(true["AUC"], float(np.mean(list(quiet.values())))),
        }

    def _measured(self, split: Measurements) -> list[str]:
        return [name for name in self.conditions if f"{name}/peak" in split]

    def _cut(self, test: Measurements, validation: Measurements | None) -> int:
        held_out = validation is not None and self._measured(validation)
        split = validation if validation is not None and held_out else test
        peaks = [split[f"{name}/peak"] for name in self._measured(split)]
        if not peaks:
            raise DataError(f"{self.name} needs maps under silence, noise or off-screen sound.")
        threshold = universal_threshold(np.concatenate(peaks))
        return min(int(np.searchsorted(CUTS, threshold)), len(CUTS) - 1)
