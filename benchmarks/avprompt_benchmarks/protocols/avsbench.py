"""Protocols of AVSBench: the same frame scores, averaged in two ways."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from avprompt.metrics.segmentation import batch_means, best_f
from avprompt.metrics.threshold import GRID
from avprompt.plugin import Measurements, Protocol, ScoredMaps

_HALF = int(np.flatnonzero(GRID == 0.5)[0])


class Avsbench(Protocol):
    """Base of both: frame IoU above each threshold of the grid, and F at 255 thresholds."""

    headline: ClassVar[str] = "mIoU"

    def measure(self, maps: ScoredMaps) -> dict[str, np.ndarray]:
        """Return `iou` (B, 19) and `f` (B, 255), NaN in frames without foreground."""
        return {"iou": maps.frame_iou_on_grid, "f": maps.f_by_threshold}

    def sample_iou(self, test: Measurements, validation: Measurements | None) -> np.ndarray:
        """Return the IoU (N,) of every frame at 0.5."""
        del validation
        return np.asarray(test["iou"][:, _HALF])


class AvsbenchOfficial(Avsbench):
    """The official evaluator (ECCV 2022): batches of 4 clips weigh equally, F is best in each batch.

    Needs the frames in the official order, five a clip. Its F depends on the batch size, so numbers of
    codes with another batch are not comparable: smaller batches score higher. A batch without foreground
    counts as an F of 0, as it does there.
    """

    name = "avsbench-official"
    summary = "mIoU at 0.5 (>), F best within each batch of 20 frames, batches averaged"
    batch: ClassVar[int] = 20

    def summarise(self, test: Measurements, validation: Measurements | None) -> dict[str, Any]:
        """Return mIoU and F."""
        iou, f = batch_means(self.sample_iou(test, validation), test["f"], self.batch)
        return {"mIoU": 100 * iou, "F": 100 * f}


class AvsbenchDataset(Avsbench):
    """Every frame weighs the same, and one threshold of F serves the whole set, as in ACL-SSL.

    `by_threshold` has the mIoU at the 19 thresholds that ACL-SSL prints.
    """

    name = "avsbench-dataset"
    summary = "mIoU at 0.5 (>) over all frames, F at its one best threshold over all frames"

    def summarise(self, test: Measurements, validation: Measurements | None) -> dict[str, Any]:
        """Return mIoU and F, and mIoU by threshold."""
        miou = 100 * test["iou"].mean(axis=0)
        return {
            "mIoU": float(miou[_HALF]),
            "F": 100 * best_f(test["f"]),
            "by_threshold": {f"{at:.2f}": {"mIoU": float(miou[k])} for k, at in enumerate(GRID)},
        }
