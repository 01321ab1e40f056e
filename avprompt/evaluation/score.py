"""From measurements to scores: protocols, floors, ceilings, and what the score owes to sound and context."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from avprompt.evaluation.breakdown import breakdown
from avprompt.evaluation.contexts import CONTEXTS, condition
from avprompt.evaluation.measure import ON_DISTRACTOR, ON_ORIGINAL, MeasuredSamples
from avprompt.evaluation.scored_protocol import ScoredProtocol
from avprompt.evaluation.sounds import ALTERED
from avprompt.metrics.protocol import Protocol

Scores = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class SplitScores:
    """The scores of one split, each a table of metrics in percent by name.

    A headline that scores altered sounds too (`Protocol.conditions`) has no rows of words, neither
    `text-prompt` among the ceilings nor `class_supervised`: words hear no altered sound.
    """

    scores: Scores
    floors: Scores
    ceilings: Scores
    class_supervised: Scores
    audio_reliance: Scores
    context_reliance: dict[str, Scores]
    intervals: dict[str, dict[str, tuple[float, float]]]
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

    Raises:
        PluginError: a protocol does not give its headline.
    """
    scored = [ScoredProtocol.of(protocol, test, validation) for protocol in protocols]
    headline = scored[0]
    floors = headline.protocol.floors(test.truths, test.columns)
    metrics = dict.fromkeys(
        (headline.protocol.headline, *(name for table in floors.values() for name in table))
    )
    return SplitScores(
        scores={of.protocol.name: of.scores() for of in scored},
        floors=floors,
        ceilings=headline.protocol.ceilings(test.truths, test.columns)
        | _by_name("text-prompt", "text-prompt", headline.protocol, test, validation, [*metrics]),
        class_supervised=_by_name(
            "tagger", "named by the tagger", headline.protocol, test, validation, [*metrics]
        ),
        audio_reliance=_audio_reliance(headline),
        context_reliance=_context_reliance(headline),
        intervals={of.protocol.name: of.intervals() for of in scored},
        breakdowns={group: breakdown(test.labels, test.truths, headline.scores_of, group) for group in by},
    )


def sample_rows(
    split: str, test: MeasuredSamples, validation: MeasuredSamples | None, protocols: Sequence[Protocol]
) -> Iterator[dict[str, object]]:
    """Yield one row for each scored sample: split, id, its numbers in percent by protocol, confidence.

    A protocol under which a sample has an IoU gives that under its own name, which tells its cIoU too. What
    else is a mean over samples stands under `protocol/metric`, empty where a sample does not count.
    """
    columns: dict[str, np.ndarray] = {}
    for protocol in protocols:
        scored = ScoredProtocol.of(protocol, test, validation)
        iou, means = scored.sample_iou(), scored.per_sample()
        if iou is not None:
            columns[protocol.name] = iou
            means = {name: values for name, values in means.items() if name != "cIoU"}
        columns |= {f"{protocol.name}/{name}": values for name, values in means.items()}
    for k, name in enumerate(test.ids):
        numbers = {column: _cell(values[k]) for column, values in columns.items()}
        yield {"split": split, "id": name, **numbers, "confidence": f"{test.confidence[k]:.4f}"}


def _cell(value: float) -> str:
    return "" if np.isnan(value) else f"{100 * value:.4f}"


def _audio_reliance(headline: ScoredProtocol) -> Scores:
    """Score altered sounds with what was chosen for the true sound."""
    name, metric = headline.protocol.name, headline.protocol.headline
    values = headline.test.values
    reliance: Scores = {
        condition: {metric: headline.headline(condition)}
        for condition in ALTERED
        if (condition, name) in values
    }
    if (ON_DISTRACTOR, name) in values:
        reliance["distractor"] = {
            "on_distractor": headline.headline(ON_DISTRACTOR),
            "on_original": headline.headline(ON_ORIGINAL),
        }
    return {sound: _known(scores) for sound, scores in reliance.items()}


def _context_reliance(headline: ScoredProtocol) -> dict[str, Scores]:
    """Score altered contexts with what was chosen for the true sound and own context."""
    name, metric = headline.protocol.name, headline.protocol.headline
    reliance = {
        context: {
            sound: _known({metric: headline.headline(condition(context, sound))})
            for sound in sounds
            if (condition(context, sound), name) in headline.test.values
        }
        for context, sounds in CONTEXTS.items()
    }
    return {context: scores for context, scores in reliance.items() if scores}


def _known(scores: Mapping[str, Any]) -> dict[str, Any]:
    """Return scores without those that have no value, as where no sample counts."""
    return {name: value for name, value in scores.items() if value is not None}


def _by_name(
    condition: str,
    title: str,
    protocol: Protocol,
    test: MeasuredSamples,
    validation: MeasuredSamples | None,
    metrics: Sequence[str],
) -> Scores:
    """Score words for what is seen or heard in the metrics of the floors; they choose their own threshold.

    Nothing for a protocol of altered sounds: under these only the method itself was measured.
    """
    if protocol.conditions or (condition, protocol.name) not in test.values:
        return {}
    scores: Mapping[str, Any] = ScoredProtocol.of(protocol, test, validation, condition).scores(condition)
    return {title: {name: scores[name] for name in metrics if name in scores}}
