"""Scores of groups of samples: by size of the object, by class, by number of sources."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from avprompt.metrics.iou import localisation_scores
from avprompt.records import GroundTruth

# The upper bounds of SLAVC's size buckets (arXiv 2209.09634), sides in pixels of a 224 x 224 map.
SIZES = (("small", 32), ("medium", 96), ("large", 144))
FULL = 224


def size_of(label: str, truth: GroundTruth) -> str:
    """Return the bucket of the truth's area."""
    del label
    area, pixels = int(np.count_nonzero(truth.mask)), truth.mask.size
    return next((name for name, side in SIZES if area * FULL**2 < side**2 * pixels), "huge")


def class_of(label: str, truth: GroundTruth) -> str:
    """Return the class name."""
    del truth
    return label or "unnamed"


def sources_of(label: str, truth: GroundTruth) -> str:
    """Return how many sources the annotation marks."""
    del label
    return str(truth.sources)


GROUPS: dict[str, Callable[[str, GroundTruth], str]] = {
    "size": size_of,
    "class": class_of,
    "sources": sources_of,
}


def breakdown(
    labels: Sequence[str], truths: Iterable[GroundTruth], iou: np.ndarray, by: str
) -> dict[str, dict[str, float]]:
    """Return sample count, cIoU, AUC and mean IoU in percent of every group.

    Args:
        labels: of N scored samples.
        truths: of the same samples.
        iou: (N,) in 0..1.
        by: a key of `GROUPS`.
    """
    members: dict[str, list[int]] = defaultdict(list)
    for index, (label, truth) in enumerate(zip(labels, truths, strict=True)):
        members[GROUPS[by](label, truth)].append(index)
    order = {name: place for place, (name, _) in enumerate((*SIZES, ("huge", FULL)))}
    names = sorted(members, key=lambda name: (order.get(name, 0), name))
    return {
        name: {"samples": len(members[name]), **localisation_scores(iou[members[name]])} for name in names
    }
