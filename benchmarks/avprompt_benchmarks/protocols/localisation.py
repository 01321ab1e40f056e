"""Protocols of one sound an image: fixed thresholds tried on the test set, or one read off each map."""

from __future__ import annotations

from typing import Any

import numpy as np

from avprompt.metrics.iou import iou_of, localisation_scores
from avprompt.metrics.threshold import GRID, binarise, true_size_threshold
from avprompt.metrics.val_threshold import best_threshold
from avprompt.plugin import IoUProtocol, Measurements, ScoredMaps


class AclSweep(IoUProtocol):
    """ACL-SSL's evaluator: every threshold on the test set, the best one as the headline.

    The headline threshold is chosen on the samples that it scores, which flatters a method; it is
    what the papers print. arXiv 2311.04066.
    """

    name = "acl-sweep"
    summary = "19 fixed thresholds 0.05..0.95 (>=), the best on the test set itself as headline"

    def measure(self, maps: ScoredMaps) -> dict[str, np.ndarray]:
        """Return `iou` (B, 19), under each threshold of `GRID`."""
        return {"iou": maps.iou_on_grid}

    def choose(self, test: Measurements, validation: Measurements | None) -> int:
        """Return the index into `GRID` of the threshold that is best on the test set."""
        del validation
        return best_threshold(test["iou"])

    def sample_iou(self, test: Measurements, choice: int) -> np.ndarray:
        """Return the IoU (N,) under the chosen threshold."""
        return np.asarray(test["iou"][:, choice])

    def summarise(self, test: Measurements, choice: int) -> dict[str, Any]:
        """Return the scores at the best threshold, and `by_threshold` those at each."""
        iou, best = test["iou"], choice
        sweep = {f"{at:.2f}": localisation_scores(iou[:, k]) for k, at in enumerate(GRID)}
        return {**localisation_scores(iou[:, best]), "threshold": float(GRID[best]), "by_threshold": sweep}


class OwnThreshold(IoUProtocol):
    """Base of rules that read the threshold off each map, so that a sample has one IoU."""

    def sample_iou(self, test: Measurements, choice: None) -> np.ndarray:
        """Return the IoU (N,) as measured."""
        del choice
        return test["iou"]


class EzvslMedian(OwnThreshold):
    """EZ-VSL's evaluator (arXiv 2203.09324): stretch to 0..1, pixels >= the median inside.

    Official code brings maps to 224 x 224 bilinearly with aligned corners. A perfect ranking scores
    cIoU 50.54 on VGG-SS under this rule, because half of the image is always marked.
    """

    name = "ezvsl-median"
    summary = "min-max, each map's own median (>=)"

    def measure(self, maps: ScoredMaps) -> dict[str, np.ndarray]:
        """Return `iou` (B,)."""
        return {"iou": iou_of(binarise(maps.normalised, maps.normalised_median), maps.truths)}


class LvsMedian(OwnThreshold):
    """The evaluator of LVS (arXiv 2104.02691) and SSL-TIE: as EZ-VSL's, but only pixels > the median.

    Official code brings maps to 224 x 224 with OpenCV's bilinear resize. The two rules differ where
    pixels tie with the median: a map that is flat there marks more under the one, less under the other.
    """

    name = "lvs-median"
    summary = "min-max, each map's own median (>)"

    def measure(self, maps: ScoredMaps) -> dict[str, np.ndarray]:
        """Return `iou` (B,)."""
        masks = binarise(maps.normalised, maps.normalised_median, np.greater)
        return {"iou": iou_of(masks, maps.truths)}


class KaistAdaptive(OwnThreshold):
    """The "adaptive" rule of SSLalignment (arXiv 2309.10724): as many pixels as the object has.

    The evaluator tells the map how large the object is, so these numbers stand far above those of a
    rule that does not know it, and belong in no column with them.
    """

    name = "kaist-adaptive"
    summary = "min-max, the threshold at the true size of the object (>)"

    def measure(self, maps: ScoredMaps) -> dict[str, np.ndarray]:
        """Return `iou` (B,)."""
        threshold = true_size_threshold(maps.normalised, maps.truths.values)
        return {"iou": iou_of(binarise(maps.normalised, threshold, np.greater), maps.truths)}
