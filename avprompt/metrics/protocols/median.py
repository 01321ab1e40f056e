"""Protocols that cut each map at its own median, so that half of every image is marked."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from avprompt.metrics.iou import iou_of, localisation_scores
from avprompt.metrics.protocol import Measurements, Protocol
from avprompt.metrics.threshold import binarise, median_cut, normalise


class OwnCut(Protocol):
    """Base of rules that read the cut off each map, so that a sample has one IoU."""

    headline: ClassVar[str] = "cIoU"

    def sample_iou(self, test: Measurements, validation: Measurements | None) -> np.ndarray:
        """Return the IoU (N,) as measured."""
        del validation
        return test["iou"]

    def summarise(self, test: Measurements, validation: Measurements | None) -> dict[str, Any]:
        """Return cIoU, AUC and mean IoU."""
        return localisation_scores(self.sample_iou(test, validation))


class EzvslMedian(OwnCut):
    """EZ-VSL's evaluator (arXiv 2203.09324): stretch to 0..1, pixels >= the median inside.

    Official code brings maps to 224 x 224 bilinearly with aligned corners. A perfect ranking scores
    cIoU 50.54 on VGG-SS under this rule, because half of the image is always marked.
    """

    name = "ezvsl-median"
    summary = "min-max, each map's own median (>=)"

    def measure(
        self, heatmaps: np.ndarray, truths: np.ndarray, confidence: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Return `iou` (B,)."""
        del confidence
        maps = normalise(heatmaps)
        return {"iou": iou_of(binarise(maps, median_cut(maps)), truths)}
