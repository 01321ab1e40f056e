"""From measurements to scores: protocols, floors, ceilings, and what the score owes to the sound."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from avprompt.evaluation.breakdown import breakdown
from avprompt.evaluation.measure import PROBE, Measured
from avprompt.evaluation.sounds import ALTERED
from avprompt.metrics.floors import ceilings, floors
from avprompt.metrics.iou import localisation_scores
from avprompt.metrics.protocol import Protocol
from avprompt.metrics.statistics import bootstrap

Scores = dict[str, dict[str, Any]]


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
    test: Measured,
    validation: Measured | None,
    protocols: Sequence[Protocol],
    by: Sequence[str] = (),
) -> SplitScores:
    """Score a split.

    Args:
        test: what was measured on it.
        validation: those of the split where thresholds are chosen; None chooses across two folds.
        protocols: what to score by, all measured; the first one is the headline.
        by: what to break the headline down by, keys of `avprompt.evaluation.breakdown.GROUPS`.
    """
    iou = {one.name: one.sample_iou(*_both("true", one.name, test, validation)) for one in protocols}
    return SplitScores(
        scores={
            protocol.name: protocol.summarise(*_both("true", protocol.name, test, validation))
            for protocol in protocols
        },
        floors=floors(test.truths),
        ceilings=ceilings(test.truths) | _text_prompt(test, validation),
        audio_reliance=_audio_reliance(test, validation),
        intervals={name: _interval(values) for name, values in iou.items()},
        breakdowns={
            group: breakdown(test.labels, test.truths, iou[protocols[0].name], group) for group in by
        },
    )


def sample_rows(
    split: str, test: Measured, validation: Measured | None, protocols: Sequence[Protocol]
) -> Iterator[dict[str, object]]:
    """Yield one row for each scored sample: split, id, IoU in percent by protocol, confidence."""
    columns = {
        protocol.name: protocol.sample_iou(*_both("true", protocol.name, test, validation))
        for protocol in protocols
    }
    for k, name in enumerate(test.ids):
        iou = {protocol: f"{100 * values[k]:.4f}" for protocol, values in columns.items()}
        yield {"split": split, "id": name, **iou, "confidence": f"{test.confidence[k]:.4f}"}


def _interval(iou: np.ndarray) -> tuple[float, float]:
    bounds = bootstrap(iou >= 0.5)
    return 100 * bounds.low, 100 * bounds.high


def _audio_reliance(test: Measured, validation: Measured | None) -> Scores:
    """Score altered sounds with the thresholds that were chosen for the true sound."""
    thresholds = PROBE.thresholds(*_both("true", PROBE.name, test, validation))
    reliance: Scores = {}
    for condition in ALTERED:
        if condition == "distractor":
            continue
        measured = test.values.get((condition, PROBE.name))
        if measured is not None:
            iou = PROBE.iou_at(measured, thresholds)
            reliance[condition] = {"cIoU": localisation_scores(iou)["cIoU"]}
    on_distractor = test.values.get(("distractor/on-distractor", PROBE.name))
    if on_distractor is not None:
        rows = test.distractor_rows
        on_original = test.values["distractor/on-original", PROBE.name]
        reliance["distractor"] = {
            "on_distractor": _ciou(on_distractor, thresholds[rows]),
            "on_original": _ciou(on_original, thresholds[rows]),
        }
    return reliance


def _ciou(measured: Mapping[str, np.ndarray], thresholds: np.ndarray) -> float:
    value: float = localisation_scores(PROBE.iou_at(measured, thresholds))["cIoU"]
    return value


def _text_prompt(test: Measured, validation: Measured | None) -> Scores:
    if ("text-prompt", PROBE.name) not in test.values:
        return {}
    scores = PROBE.summarise(*_both("text-prompt", PROBE.name, test, validation))
    return {"text-prompt": {"cIoU": scores["cIoU"], "AUC": scores["AUC"]}}


def _both(
    condition: str, protocol: str, test: Measured, validation: Measured | None
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray] | None]:
    key = (condition, protocol)
    return test.values[key], validation.values.get(key) if validation else None
