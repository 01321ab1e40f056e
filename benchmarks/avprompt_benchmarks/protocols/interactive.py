"""Images with several sounds, one sample a sound (IS3, VPO): whether the map follows the sound.

An image counts only as much as the worst of its sounds. Senocak et al., "Aligning Sight and Sound:
Advanced Sound Source Localization Through Audio-Visual Alignment", arXiv 2407.13676.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from avprompt.metrics.floors import guess_iou
from avprompt.metrics.iou import auc, ciou, localisation_scores
from avprompt.plugin import GroundTruth, IoUProtocol, Measurements, ScoredMaps
from avprompt_benchmarks.protocols.localisation import KaistAdaptive, LvsMedian


class KaistInteractive(IoUProtocol):
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

    def sample_iou(self, test: Measurements, choice: None) -> np.ndarray:
        """Return the IoU (N,) of every sound under the median."""
        del choice
        return test["iou"]

    def per_sample(self, test: Measurements, choice: None) -> dict[str, np.ndarray]:
        """Return `cIoU` of every sound (N,), and `IIoU` of each image at its first sound, NaN at others."""
        _, first = np.unique(_groups(test), return_index=True)
        interactive = np.full(len(test["iou"]), np.nan)
        interactive[first] = worst_iou(test["iou"], _groups(test)) >= 0.5
        return {**super().per_sample(test, choice), "IIoU": interactive}

    def summarise(self, test: Measurements, choice: None) -> dict[str, Any]:
        """Return IIoU, IAUC, cIoU, AUC and mean IoU under both thresholds."""
        del choice
        groups = _groups(test)
        scores: dict[str, Any] = {}
        for suffix in ("", "_adaptive"):
            iou = test["iou" + suffix]
            scores["IIoU" + suffix] = 100 * interactive_iou(iou, groups)
            scores["IAUC" + suffix] = 100 * interactive_auc(iou, groups)
            scores |= {name + suffix: value for name, value in localisation_scores(iou).items()}
        return scores

    def floors(self, truths: Sequence[GroundTruth], columns: Measurements) -> dict[str, dict[str, float]]:
        """Return the scores of guesses that are the same for every sound."""
        groups = _groups(columns)
        return {
            name: {
                "IIoU": 100 * interactive_iou(iou, groups),
                "IAUC": 100 * interactive_auc(iou, groups),
                **localisation_scores(iou),
            }
            for name, iou in guess_iou(truths).items()
        }

    def ceilings(self, truths: Sequence[GroundTruth], columns: Measurements) -> dict[str, dict[str, float]]:
        """Return none: a ranking that is perfect for one sound bounds no image."""
        del truths, columns
        return {}


def _groups(test: Measurements) -> np.ndarray:
    return test["group"] if "group" in test else image_of(test["id"])


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
