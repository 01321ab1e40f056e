"""Interactive localisation: whether the map follows the sound when one image has several sources.

An image counts only as much as the worst of its sounds. Senocak et al., "Aligning Sight and Sound:
Advanced Sound Source Localization Through Audio-Visual Alignment", arXiv 2407.13676.
"""

from __future__ import annotations

import numpy as np

from avprompt.metrics.iou import auc, ciou


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
