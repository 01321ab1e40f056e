"""The headline broken down by groups of samples: the size of the truth, the class, the number of sources."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from avprompt.errors import ConfigError
from avprompt.metrics.protocol import Protocol
from avprompt.records import GroundTruth

# The upper bounds of SLAVC's size buckets (arXiv 2209.09634), sides in pixels of a 224 x 224 map.
SIZES = {"small": 32, "medium": 96, "large": 144, "huge": 224}


def size_of(label: str, truth: GroundTruth) -> str:
    """Return the bucket of the truth's area."""
    del label
    area, pixels = int(np.count_nonzero(truth.mask)), truth.mask.size
    full = SIZES["huge"] ** 2
    return next((name for name, side in SIZES.items() if area * full < side**2 * pixels), "huge")


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


def check_breakdown(protocol: Protocol, by: Sequence[str]) -> None:
    """Make sure that the headline can be broken down: groups of samples must not cut an image apart.

    Raises:
        ConfigError: the protocol scores all samples of an image together.
    """
    if by and "group" in protocol.needs:
        raise ConfigError(
            f"'{protocol.name}' scores all samples of an image together, and a breakdown by {by[0]} would "
            "cut images apart: leave --by out, or name another protocol first (--protocol)."
        )


def breakdown(
    labels: Sequence[str],
    truths: Iterable[GroundTruth],
    scores: Callable[[np.ndarray], Mapping[str, Any]],
    by: str,
) -> dict[str, dict[str, float]]:
    """Return sample count and scores of every group.

    Args:
        labels: of N scored samples.
        truths: of the same samples.
        scores: gives the scores of the samples in some rows (n,), with what was chosen for all of them.
        by: a key of `GROUPS`.
    """
    members: dict[str, list[int]] = defaultdict(list)
    for index, (label, truth) in enumerate(zip(labels, truths, strict=True)):
        members[GROUPS[by](label, truth)].append(index)
    names = sorted(members, key=lambda name: (SIZES.get(name, 0), name))
    return {
        name: {"samples": len(members[name]), **numbers(scores(np.array(members[name])))} for name in names
    }


def numbers(scores: Mapping[str, Any]) -> dict[str, float]:
    """Return the scores that are numbers, without the threshold."""
    return {name: value for name, value in scores.items() if isinstance(value, float) and name != "threshold"}
