"""The numbers of a run as tables of text, for the screen and for reports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from avprompt.runs.results import RunResult

METRICS = ("cIoU", "AUC", "mean_IoU")
BOUNDS = {"floor": "floors", "ceiling": "ceilings", "class-supervised": "class_supervised"}
"""Kinds of guesses that stand beside a score, and the field of results that holds them."""

_SOUNDS = {"true": "own sound", "shuffled": "another's sound", "silent": "no sound"}
_CONTEXTS = {
    "own": "own",
    "other": "another image's",
    "mean": "none: the mean of all",
    "blank": "a blank image's",
}
_ALTERED = {"on_distractor": "distractor: on it", "on_original": "distractor: on first"}
_OWN_SCORES = "Its own scores"


@dataclass(frozen=True)
class Line:
    """A row of a table.

    Attributes:
        cells: as text, what it is first.
        kind: what stands in it: scores by the headline or by another protocol, a bound, or altered sounds.
    """

    cells: tuple[str, ...]
    kind: Literal["headline", "score", "bound", "altered"] = "score"


@dataclass(frozen=True)
class ResultTable:
    """A table of text.

    Attributes:
        title: what it shows, in one or several lines.
        head: of its columns; the first says what a row is, the others are numbers.
        sections: its rows, those that belong together.
    """

    title: str
    head: tuple[str, ...]
    sections: tuple[tuple[Line, ...], ...]

    @property
    def folded(self) -> int | None:
        """The column whose text may be long, if there is one."""
        return self.head.index(_OWN_SCORES) if _OWN_SCORES in self.head else None


def score_table(result: RunResult, split: str) -> ResultTable:
    """Return the scores of one split: protocols, then floors, ceilings and audio reliance."""
    metric, floors = result.headline[1], result.floors.get(split, {})
    metrics = shown_metrics((*result.scores[split].values(), *floors.values()), metric)
    more = any(_other_scores(scores, metrics) for scores in result.scores[split].values())
    head = ["Percent", *map(spoken, metrics), f"{spoken(metric)}, 95 %", "Thr."] + [_OWN_SCORES] * more
    sections = [
        [*_scores(result, split, metrics, more=more)],
        *_bounds(result, split, metrics),
        [*_altered(result, split)],
    ]
    width = len(head)
    filled = (
        tuple(Line((*line.cells, *[""] * (width - len(line.cells))), line.kind) for line in section)
        for section in sections
        if section
    )
    return ResultTable(_title(result, split), tuple(head), tuple(filled))


def context_table(result: RunResult, split: str) -> ResultTable:
    """Return the headline of one split under own, other and no context, each with own, other and no sound."""
    protocol, metric = result.headline
    contexts: Mapping[str, Any] = result.context_reliance[split] | {
        "own": {"true": result.scores[split][protocol], **result.audio_reliance.get(split, {})}
    }
    lines = []
    for context, heading in _CONTEXTS.items():
        if context in contexts:
            values = (contexts[context].get(sound, {}).get(metric) for sound in _SOUNDS)
            lines.append(Line((heading, *("" if value is None else f"{value:.2f}" for value in values))))
    title = f"{spoken(metric)} under altered context and sound, {protocol}"
    return ResultTable(title, ("Context", *_SOUNDS.values()), (tuple(lines),))


def breakdown_table(result: RunResult, split: str, by: str) -> ResultTable:
    """Return the scores of groups of samples under the headline protocol."""
    (protocol, metric), groups = result.headline, result.breakdowns[split][by]
    metrics = shown_metrics(groups.values(), metric)
    lines = (
        Line((group, f"{scores['samples']:,}", *_numbers(scores, metrics)))
        for group, scores in groups.items()
    )
    head = (by.capitalize(), "Samples", *map(spoken, metrics))
    return ResultTable(f"By {by}, {protocol}", head, (tuple(lines),))


def shown_metrics(tables: Iterable[Mapping[str, Any]], headline: str) -> tuple[str, ...]:
    """Return the metrics that have a column of their own: the headline, and the usual ones that are there."""
    scored = {name for scores in tables for name in scores}
    return (headline, *(name for name in METRICS if name in scored and name != headline))


def spoken(metric: str) -> str:
    """Return a metric's name as people read it."""
    return metric.replace("_", " ")


def altered_name(sound: str, score: str) -> str:
    """Return what a row of the audio reliance is called: the altered sound, or which object was marked."""
    return _ALTERED.get(score, f"sound: {sound}")


def _title(result: RunResult, split: str) -> str:
    counts, training = result.samples[split], result.training
    parameters = f"{result.trainable_parameters:,} trainable parameters"
    lines = [
        f"{result.method} on {result.dataset}/{split}, {result.encoders} encoders, seed {result.seed}",
        f"{counts.used:,} of {counts.expected:,} samples, {parameters}",
    ]
    if training:
        used, expected = training.clips.used, training.clips.expected
        lines.append(f"trained for {training.steps:,} steps on {used:,} of {expected:,} clips")
    return "\n".join(lines)


def _scores(result: RunResult, split: str, metrics: Sequence[str], *, more: bool) -> Iterator[Line]:
    protocol, metric = result.headline
    for name, scores in result.scores[split].items():
        interval = result.intervals.get(split, {}).get(name, {}).get(metric)
        bounds = f"{interval[0]:.1f} .. {interval[1]:.1f}" if interval else ""
        others = [_others(scores, metrics)] if more else []
        cells = name, *_numbers(scores, metrics), bounds, _threshold(scores.get("threshold")), *others
        yield Line(cells, "headline" if name == protocol else "score")


def _bounds(result: RunResult, split: str, metrics: Sequence[str]) -> Iterator[list[Line]]:
    """Yield floors, or that there are none, ceilings, and what knows class names with published numbers."""
    for title, field in BOUNDS.items():
        rows = getattr(result, field).get(split, {})
        lines = [(f"{title}: {name}", *_numbers(scores, metrics)) for name, scores in rows.items()]
        if title == "floor" and not rows and not result.outdated:
            lines.append((f"floor: {result.headline[0]} has none",))
        if title == "class-supervised":
            lines += [
                (
                    f"published: {printed.protocol}\n  trained on {printed.trained_on}",
                    *_numbers(printed.scores, metrics),
                )
                for printed in result.published
                if printed.split == split
            ]
        yield [Line(cells, "bound") for cells in lines]


def _altered(result: RunResult, split: str) -> Iterator[Line]:
    for sound, scores in result.audio_reliance.get(split, {}).items():
        for name, value in scores.items():
            yield Line((altered_name(sound, name), f"{value:.2f}"), "altered")


def _numbers(scores: Mapping[str, Any], metrics: Sequence[str]) -> list[str]:
    return [f"{scores[name]:.2f}" if name in scores else "" for name in metrics]


def _other_scores(scores: Mapping[str, Any], metrics: Sequence[str]) -> dict[str, float]:
    """Return the numbers that have no column, such as F_LOC."""
    usual = (*metrics, "threshold")
    return {name: value for name, value in scores.items() if isinstance(value, float) and name not in usual}


def _others(scores: Mapping[str, Any], metrics: Sequence[str]) -> str:
    return ", ".join(f"{name} {value:.2f}" for name, value in _other_scores(scores, metrics).items())


def _threshold(value: Any) -> str:
    if isinstance(value, list):
        return " / ".join(f"{threshold:.2f}" for threshold in value)
    return "" if value is None else f"{value:.2f}"
