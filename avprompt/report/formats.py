"""Comparisons as text for other programs: Markdown, LaTeX, CSV and JSON, with the numbers of their tables."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from statistics import mean, stdev
from typing import Any, Literal

from avprompt.report.latex import latex
from avprompt.runs.compared_method import ComparedMethod
from avprompt.runs.comparison import SplitComparison
from avprompt.runs.reliance import CONTEXT_RELIANCE, RELIANCE
from avprompt.runs.result_table import BOUNDS

Format = Literal["markdown", "latex", "csv", "json"]

DIGITS = 4
"""Behind the point, as in `results.json`."""


@dataclass(frozen=True)
class Number:
    """A number of a method on one split.

    Attributes:
        kind: `score`; `sound` or `context`, what is left under another; or the kind of a bound.
        name: of the sound, the context or the bound; empty for a score.
        metric: its name.
        mean: over runs, percent.
        standard_deviation: over runs, of the sample; None of a single run.
    """

    kind: str
    name: str
    metric: str
    mean: float
    standard_deviation: float | None


def written(tables: Sequence[SplitComparison], notes: Sequence[str], form: Format) -> str:
    """Write tables in one of the formats; it ends with a line's end.

    Args:
        tables: one for each split.
        notes: what a reader of the numbers must know.
        form: Markdown and LaTeX are to be read, CSV has a number in each row, JSON all of them.
    """
    writers: dict[Format, Callable[[Sequence[SplitComparison], Sequence[str]], str]] = {
        "markdown": _markdown,
        "latex": latex,
        "csv": _csv,
        "json": _json,
    }
    return writers[form](tables, notes).rstrip("\n") + "\n"


def numbers(table: SplitComparison, method: ComparedMethod) -> Iterator[Number]:
    """Yield all numbers of a method, its scores first."""
    metric = table.metric
    for name in table.metrics:
        yield from _number("score", "", name, table.values(method, name))
    if not table.is_headline:
        return
    for name, sound, of in RELIANCE:
        yield from _number(
            "sound", name, metric, method.values(table.split, "audio_reliance", sound, of or metric)
        )
    for name, *cell in CONTEXT_RELIANCE:
        yield from _number(
            "context", name, metric, method.values(table.split, "context_reliance", *cell, metric)
        )
    for kind, field in BOUNDS.items():
        for name, scores in getattr(method.results[0], field).get(table.split, {}).items():
            for scored in scores:
                yield from _number(kind, name, scored, method.values(table.split, field, name, scored))


def _number(kind: str, name: str, metric: str, values: Sequence[float]) -> Iterator[Number]:
    if values:
        deviation = round(stdev(values), DIGITS) if len(values) > 1 else None
        yield Number(kind, name, metric, round(mean(values), DIGITS), deviation)


def _markdown(tables: Sequence[SplitComparison], notes: Sequence[str]) -> str:
    titled = (f"{table.title.replace(chr(10), ', ')}\n\n{table.to_markdown()}" for table in tables)
    return "\n".join([*titled, *(f"{note}\n" for note in notes)])


def _json(tables: Sequence[SplitComparison], notes: Sequence[str]) -> str:
    return json.dumps({"tables": [_summary(table) for table in tables], "notes": [*notes]}, indent=2)


def _summary(table: SplitComparison) -> dict[str, Any]:
    return _about(table) | {"methods": [_method(table, method) for method in table.methods]}


def _about(table: SplitComparison) -> dict[str, Any]:
    counts = table.methods[0].results[0].samples[table.split]
    about = {"dataset": table.dataset, "split": table.split, "protocol": table.protocol}
    return about | {"metric": table.metric, "samples": counts.used, "expected": counts.expected}


def _method(table: SplitComparison, method: ComparedMethod) -> dict[str, Any]:
    result, interval = method.results[0], table.interval(method)
    change = None if method is table.methods[0] else table.difference(method)
    return {
        "method": method.name,
        "encoders": result.encoders,
        "seeds": [*method.seeds],
        "runs": [str(folder) for folder in method.folders],
        "trainable_parameters": result.trainable_parameters,
        "interval": list(interval) if interval else None,
        "difference": asdict(change) if change else None,
        "numbers": [asdict(number) for number in numbers(table, method)],
    }


def _csv(tables: Sequence[SplitComparison], notes: Sequence[str]) -> str:
    """Write a row for each number; intervals and differences to the first stand beside the headline's."""
    del notes  # a table of numbers has no place for sentences
    rows = [
        _about(table)
        | {"method": method.name, "encoders": method.results[0].encoders, "seeds": method.shown_seeds}
        | asdict(number)
        | (_bounds(table, method) if (number.kind, number.metric) == ("score", table.metric) else {})
        for table in tables
        for method in table.methods
        for number in numbers(table, method)
    ]
    columns = dict.fromkeys(name for row in rows for name in row)
    text = io.StringIO()
    writer = csv.DictWriter(text, [*columns], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _bounds(table: SplitComparison, method: ComparedMethod) -> dict[str, float | None]:
    """Return the interval of a method's headline, and its difference to the first with its own interval."""
    low, high = table.interval(method) or (None, None)
    change = None if method is table.methods[0] else table.difference(method)
    paired = (change.estimate, change.low, change.high) if change else (None, None, None)
    names = ("low", "high", "difference", "difference_low", "difference_high")
    return dict(zip(names, (low, high, *paired), strict=True))
