"""What protocols measure: the heatmaps of a batch, their truths, and what several protocols ask of both."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from avprompt.metrics import segmentation
from avprompt.metrics.iou import TruthMasks, iou_at
from avprompt.metrics.threshold import GRID, median_threshold, normalise


@dataclass(frozen=True, eq=False)
class ScoredMaps:
    """The maps of B samples under one sound; properties are worked out when first asked for, then kept.

    Attributes:
        heatmaps: (B, H, W) float32 in 0..1; nothing may change them any more.
        truths: of the same samples and size, `truths.values` (B, H, W); maps of the same samples under
            another sound share them.
        confidence: (B,), larger where the method believes that the sound is visible.
    """

    heatmaps: np.ndarray
    truths: TruthMasks
    confidence: np.ndarray

    @cached_property
    def normalised(self) -> np.ndarray:
        """The maps (B, H, W), each stretched to span 0..1."""
        return normalise(self.heatmaps)

    @cached_property
    def normalised_median(self) -> np.ndarray:
        """The upper median (B,) of each normalised map."""
        return median_threshold(self.normalised)

    @cached_property
    def iou_on_grid(self) -> np.ndarray:
        """The IoU (B, 19) under each threshold of `GRID`, pixels >= it inside."""
        return iou_at(self.heatmaps, self.truths, GRID)

    @cached_property
    def frame_iou_on_grid(self) -> np.ndarray:
        """The IoU (B, 19) of `segmentation.frame_iou` under each threshold of `GRID`, pixels > it inside."""
        return segmentation.frame_iou(self.heatmaps, self.truths, GRID)

    @cached_property
    def f_by_threshold(self) -> np.ndarray:
        """The F-measure (B, 255) of `segmentation.f_by_threshold`."""
        return segmentation.f_by_threshold(self.heatmaps, self.truths)
