"""Protocols of AVSBench: the same frame scores, averaged in two ways."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from avprompt.metrics.floors import masks_of_guesses
from avprompt.metrics.segmentation import batch_means, best_f, frame_iou
from avprompt.metrics.threshold import GRID
from avprompt.plugin import GroundTruth, Measurements, Protocol, ScoredMaps, TruthMasks

_HALF = int(np.flatnonzero(GRID == 0.5)[0])


class Avsbench(Protocol):
    """Base of both: frame IoU above each threshold of the grid, and F at 255 thresholds."""

    headline: ClassVar[str] = "mIoU"

    def measure(self, maps: ScoredMaps) -> dict[str, np.ndarray]:
        """Return `iou` (B, 19) and `f` (B, 255), NaN in frames without foreground."""
        return {"iou": maps.frame_iou_on_grid, "f": maps.f_by_threshold}

    def per_sample(self, test: Measurements, choice: None) -> dict[str, np.ndarray]:
        """Return `mIoU`, the IoU (N,) of every frame at 0.5."""
        del choice
        return {"mIoU": np.asarray(test["iou"][:, _HALF])}

    def floors(self, truths: Sequence[GroundTruth], columns: Measurements) -> dict[str, dict[str, float]]:
        """Return the mIoU of guesses, the same in every frame."""
        del columns
        guesses = masks_of_guesses(truths)
        heatmaps, half = np.stack([*guesses.values()]).astype(np.float32), np.array([0.5])
        iou = [frame_iou(heatmaps, _repeated(truth.mask, len(heatmaps)), half)[:, 0] for truth in truths]
        return {
            name: {"mIoU": self.mean_iou(values)}
            for name, values in zip(guesses, np.transpose(iou), strict=True)
        }

    def mean_iou(self, iou: np.ndarray) -> float:
        """Return mIoU in percent of the IoU (N,) of all frames."""
        return 100 * float(iou.mean())


class AvsbenchOfficial(Avsbench):
    """The official evaluator (ECCV 2022): batches of 4 clips weigh equally, F is best in each batch.

    Needs the frames in the official order, five a clip. Its F depends on the batch size, so numbers of
    codes with another batch are not comparable: smaller batches score higher. A batch without foreground
    counts as an F of 0, as it does there.
    """

    name = "avsbench-official"
    summary = "mIoU at 0.5 (>), F best within each batch of 20 frames, batches averaged"
    batch: ClassVar[int] = 20

    def per_sample(self, test: Measurements, choice: None) -> dict[str, np.ndarray]:
        """Return `mIoU` of every frame (N,), unless a short last batch makes some frames weigh more."""
        frames = len(test["iou"])
        even = frames % self.batch == 0 or frames < self.batch
        return super().per_sample(test, choice) if even else {}

    def mean_iou(self, iou: np.ndarray) -> float:
        """Return mIoU in percent, batches weighed equally."""
        return 100 * batch_means(iou, np.full((len(iou), 1), np.nan), self.batch)[0]

    def summarise(self, test: Measurements, choice: None) -> dict[str, Any]:
        """Return mIoU and F."""
        del choice
        iou, f = batch_means(test["iou"][:, _HALF], test["f"], self.batch)
        return {"mIoU": 100 * iou, "F": 100 * f}


class AvsbenchDataset(Avsbench):
    """Every frame weighs the same, and one threshold of F serves the whole set, as in ACL-SSL.

    `by_threshold` has the mIoU at the 19 thresholds that ACL-SSL prints.
    """

    name = "avsbench-dataset"
    summary = "mIoU at 0.5 (>) over all frames, F at its one best threshold over all frames"

    def summarise(self, test: Measurements, choice: None) -> dict[str, Any]:
        """Return mIoU and F, and mIoU by threshold."""
        del choice
        miou = 100 * test["iou"].mean(axis=0)
        return {
            "mIoU": float(miou[_HALF]),
            "F": 100 * best_f(test["f"]),
            "by_threshold": {f"{at:.2f}": {"mIoU": float(miou[k])} for k, at in enumerate(GRID)},
        }


def _repeated(truth: np.ndarray, count: int) -> TruthMasks:
    return TruthMasks(np.broadcast_to(truth, (count, *truth.shape)))
