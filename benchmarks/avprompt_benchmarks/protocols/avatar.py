"""The protocol of AVATAR: four scenarios, scored apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from avprompt.metrics.iou import iou_of, localisation_scores
from avprompt.metrics.threshold import binarise
from avprompt.plugin import GroundTruth, IoUProtocol, LazySequence, Measurements, ScoredMaps

OFF_SCREEN = "off-screen"
"""The scenario whose frames show no source; the others are up to the benchmark."""

_THRESHOLD = 0.5


class Avatar(IoUProtocol):
    """Choi et al. (ICCV 2025, arXiv 2507.04667): cIoU and AUC by scenario, TN where nothing sounds.

    TN is the share of off-screen frames in which nothing is marked. The paper's threshold is not
    public; this protocol takes 0.5, pixels >= it inside. `scenario` (N,) names each sample's.
    """

    name = "avatar"
    summary = "cIoU and AUC by scenario, TN of off-screen frames; fixed threshold 0.5 (>=)"
    needs = ("scenario",)

    def measure(self, maps: ScoredMaps) -> dict[str, np.ndarray]:
        """Return `iou` (B,) and the marked share `area` (B,)."""
        masks = binarise(maps.heatmaps, _THRESHOLD)
        return {"iou": iou_of(masks, maps.truths), "area": masks.mean(axis=(1, 2))}

    def sample_iou(self, test: Measurements, choice: None) -> np.ndarray:
        """Return the IoU (N,) of every sample, NaN off screen."""
        del choice
        return np.where(test["scenario"] == OFF_SCREEN, np.nan, test["iou"])

    def summarise(self, test: Measurements, choice: None) -> dict[str, Any]:
        """Return the scores of all frames with a source, those `by_scenario`, and TN."""
        del choice
        scenario, iou = test["scenario"], test["iou"]
        shown = scenario != OFF_SCREEN
        by_scenario = {
            str(name): localisation_scores(iou[scenario == name]) for name in np.unique(scenario[shown])
        }
        scores: dict[str, Any] = localisation_scores(iou[shown]) if shown.any() else {}
        if not shown.all():
            scores["TN"] = 100 * float(np.mean(test["area"][~shown] == 0))
        return {**scores, "by_scenario": by_scenario}

    def floors(self, truths: Sequence[GroundTruth], columns: Measurements) -> dict[str, dict[str, float]]:
        """Return cIoU and AUC of guesses on the frames with a source."""
        return super().floors(_shown(truths, columns), columns) if _any_shown(columns) else {}

    def ceilings(self, truths: Sequence[GroundTruth], columns: Measurements) -> dict[str, dict[str, float]]:
        """Return cIoU and AUC of a perfect ranking on the frames with a source."""
        return super().ceilings(_shown(truths, columns), columns) if _any_shown(columns) else {}


def _any_shown(columns: Measurements) -> bool:
    return bool(np.any(columns["scenario"] != OFF_SCREEN))


def _shown(truths: Sequence[GroundTruth], columns: Measurements) -> Sequence[GroundTruth]:
    places = np.flatnonzero(columns["scenario"] != OFF_SCREEN)
    return LazySequence(places.tolist(), truths.__getitem__)
