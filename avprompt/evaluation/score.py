"""From measurements to scores: protocols, floors, ceilings, and what the score owes to the sound."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from avprompt.evaluation.measure import ON_DISTRACTOR, ON_ORIGINAL, PROBE, MeasuredSamples
from avprompt.evaluation.sounds import ALTERED
from avprompt.metrics.floors import ceilings, floors
from avprompt.metrics.iou import localisation_scores
from avprompt.metrics.protocol import Measurements, Protocol
from avprompt.metrics.statistics import bootstrap
from avprompt.records import GroundTruth

Scores = dict[str, dict[str, Any]]

# The upper bounds of SLAVC's size buckets (arXiv 2209.09634), sides in pixels of a 224 x 224 map.
SIZES = {"small": 32, "medium": 96, "large": 144, "huge": 224}


@dataclass(frozen=True)
class SplitScores:
    """The scores of one split, each a table of metrics in percent by name."""

    scores: Scores
    floors: Scores
    ceilings: Scores
    audio_reliance: Scores
    intervals: dict[str, tuple[float, float]]
    breakdowns: dict[str, Scores]


def score(
    test: MeasuredSamples,
    validation: MeasuredSamples | None,
    protocols: Sequence[Protocol],
    by: Sequence[str] = (),
) -> SplitScores:
    """Score a split.

    Args:
        test: what was measured on it.
        validation: that of the split where thresholds are chosen; None chooses across two folds.
        protocols: what to score by, all measured; the first one is the headline.
        by: what to break the headline down by, keys of `GROUPS`.
    """
    iou = sample_iou(test, validation, protocols)
    headline = iou[protocols[0].name]
    return SplitScores(
        scores={
            protocol.name: protocol.summarise(*_measurements(protocol, "true", test, validation))
            for protocol in protocols
        },
        floors=floors(test.truths),
        ceilings=ceilings(test.truths) | _text_prompt(test, validation),
        audio_reliance=_audio_reliance(test, validation),
        intervals={name: _interval(values) for name, values in iou.items()},
        breakdowns={group: breakdown(test.labels, test.truths, headline, group) for group in by},
    )


def sample_iou(
    test: MeasuredSamples, validation: MeasuredSamples | None, protocols: Sequence[Protocol]
) -> dict[str, np.ndarray]:
    """Return the IoU (N,) of every sample in 0..1, as each protocol sees it."""
    return {
        protocol.name: protocol.sample_iou(*_measurements(protocol, "true", test, validation))
        for protocol in protocols
    }


def sample_rows(
    split: str, test: MeasuredSamples, validation: MeasuredSamples | None, protocols: Sequence[Protocol]
) -> Iterator[dict[str, object]]:
    """Yield one row for each scored sample: split, id, IoU in percent by protocol, confidence."""
    columns = sample_iou(test, validation, protocols)
    for k, name in enumerate(test.ids):
        iou = {protocol: f"{100 * values[k]:.4f}" for protocol, values in columns.items()}
        yield {"split": split, "id": name, **iou, "confidence": f"{test.confidence[k]:.4f}"}


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
    names = sorted(members, key=lambda name: (SIZES.get(name, 0), name))
    return {
        name: {"samples": len(members[name]), **localisation_scores(iou[members[name]])} for name in names
    }


def _interval(iou: np.ndarray) -> tuple[float, float]:
    bounds = bootstrap(iou >= 0.5)
    return 100 * bounds.low, 100 * bounds.high


def _audio_reliance(test: MeasuredSamples, validation: MeasuredSamples | None) -> Scores:
    """Score altered sounds with the thresholds that were chosen for the true sound."""
    thresholds = PROBE.thresholds(*_measurements(PROBE, "true", test, validation))

    def ciou(condition: str, at: np.ndarray) -> float:
        iou = PROBE.iou_at(test.values[condition, PROBE.name], at)
        return localisation_scores(iou)["cIoU"]

    reliance: Scores = {
        condition: {"cIoU": ciou(condition, thresholds)}
        for condition in ALTERED
        if (condition, PROBE.name) in test.values
    }
    if (ON_DISTRACTOR, PROBE.name) in test.values:
        at = thresholds[test.distractor_rows]
        reliance["distractor"] = {
            "on_distractor": ciou(ON_DISTRACTOR, at),
            "on_original": ciou(ON_ORIGINAL, at),
        }
    return reliance


def _text_prompt(test: MeasuredSamples, validation: MeasuredSamples | None) -> Scores:
    if ("text-prompt", PROBE.name) not in test.values:
        return {}
    scores = PROBE.summarise(*_measurements(PROBE, "text-prompt", test, validation))
    return {"text-prompt": {"cIoU": scores["cIoU"], "AUC": scores["AUC"]}}


def _measurements(
    protocol: Protocol, condition: str, test: MeasuredSamples, validation: MeasuredSamples | None
) -> tuple[Measurements, Measurements | None]:
    """Return what a protocol summarises: of the test split, and of the validation split if that has it."""
    measured = test.measurements(protocol, condition)
    if validation is None or (condition, protocol.name) not in validation.values:
        return measured, None
    return measured, validation.measurements(protocol, condition)
