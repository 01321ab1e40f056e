"""Images with several sounds, one sample a sound (IS3, VPO): whether the map follows the sound.

An image counts only as much as the worst of its sounds. Senocak et al., "Aligning Sight and Sound:
Advanced Sound Source Localization Through Audio-Visual Alignment", arXiv 2407.13676.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from avprompt.metrics.iou import auc, ciou, localisation_scores
from avprompt.plugin import Measurements, Protocol, ScoredMaps
from avprompt_benchmarks.protocols.localisation import KaistAdaptive, LvsMedian


class KaistInteractive(Protocol):
    """SSLalignment's evaluator (arXiv 2407.13676): every sound of an image must be found.

    Pixels above the median of their map are marked, and for the scores with `_adaptive` as many as the
    object has. `group` (N,) names the image of each sample; without that column it is the id up to its
    last underscore, which is how IS3 names its files and means nothing elsewhere.
    """

    name = "kaist-interactive"
    summary = "IIoU and IAUC: the worst of each image's sounds counts; min-max, median (>)"
    headline = "IIoU"
    needs = ("group",)

    def measure(self, maps: ScoredMaps) -> dict[str, np.ndarray]:
        """Return `iou` and `iou_adaptive`, each (B,)."""
        return {"iou": LvsMedian().measure(maps)["iou"], "iou_adaptive": KaistAdaptive().measure(maps)["iou"]}

    def sample_iou(self, test: Measurements, validation: Measurements | None) -> np.ndarray:
        """Return the IoU (N,) of every sound under the median."""
        del validation
        return test["iou"]

    def summarise(self, test: Measurements, validation: Measurements | None) -> dict[str, Any]:
        """Return IIoU, IAUC, cIoU, AUC and mean IoU under both thresholds."""
        del validation
        groups = test["group"] if "group" in test else image_of(test["id"])
        scores: dict[str, Any] = {}
        for suffix in ("", "_adaptive"):
            iou = test["iou" + suffix]
            scores["IIoU" + suffix] = 100 * interactive_iou(iou, groups)
            scores["IAUC" + suffix] = 100 * interactive_auc(iou, groups)
            scores |= {name + suffix: value for name, value in localisation_scores(iou).items()}
        return scores


def image_of(ids: np.ndarray) -> np.ndarray:
    """Return the image's name of each IS3 sample id `<a>_<b>_<number>_<class>`."""
    return np.array([str(name).rpartition("_")[0] for name in ids])


def worst_iou(iou: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return the lowest IoU (G,) of the samples (N,) of each of G images, named by `groups` (N,)."""
    _, places = np.unique(groups, return_inverse=True)
    worst = np.full(places.max() + 1, np.inf)
    np.minimum.at(worst, places, iou)
    return worst


def interactive_iou(iou: np.ndarray, groups: np.ndarray) -> float:
    """Return IIoU: the share of images all of whose sounds are found with IoU >= 0.5."""
    return float(ciou(worst_iou(iou, groups)))


def interactive_auc(iou: np.ndarray, groups: np.ndarray) -> float:
    """Return IAUC: the area under IIoU as its threshold rises from 0 to 1 by 0.05."""
    return float(auc(worst_iou(iou, groups)))
