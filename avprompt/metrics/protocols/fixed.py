"""The protocol that tries fixed thresholds on the test set itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from avprompt.metrics.iou import localisation_scores
from avprompt.metrics.protocol import Measurements, Protocol
from avprompt.metrics.scored_maps import ScoredMaps
from avprompt.metrics.threshold import GRID
from avprompt.metrics.val_threshold import best_threshold


class AclSweep(Protocol):
    """ACL-SSL's evaluator: every threshold on the test set, the best one as the headline.

    The headline threshold is chosen on the samples that it scores, which flatters a method; it is
    what the papers print. arXiv 2311.04066.
    """

    name = "acl-sweep"
    summary = "19 fixed thresholds 0.05..0.95 (>=), the best on the test set itself as headline"
    headline = "cIoU"

    def measure(self, maps: ScoredMaps) -> dict[str, np.ndarray]:
        """Return `iou` (B, 19), under each threshold of `GRID`."""
        return {"iou": maps.iou_on_grid}

    def sample_iou(self, test: Measurements, validation: Measurements | None) -> np.ndarray:
        """Return the IoU (N,) under the threshold that is best on the test set."""
        del validation
        return np.asarray(test["iou"][:, best_threshold(test["iou"])])

    def summarise(self, test: Measurements, validation: Measurements | None) -> dict[str, Any]:
        """Return the scores at the best threshold, and `by_threshold` those at each."""
        del validation
        iou, best = test["iou"], best_threshold(test["iou"])
        sweep = {f"{at:.2f}": localisation_scores(iou[:, k]) for k, at in enumerate(GRID)}
        return {**localisation_scores(iou[:, best]), "threshold": float(GRID[best]), "by_threshold": sweep}
