"""A run made ready for a page: its headline beside what it must be read with, tables, charts and clips."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from avprompt.report.chart import Chart
from avprompt.report.clips import Clips, Picture, clips_of, data_uri, pictures_of, sample_rows, success_chart
from avprompt.report.training import training_charts
from avprompt.runs.assessment import threshold
from avprompt.runs.directory import RunDirectory
from avprompt.runs.reliance import CONTEXT_RELIANCE, RELIANCE
from avprompt.runs.result_table import (
    BOUNDS,
    ResultTable,
    breakdown_table,
    context_table,
    score_table,
    spoken,
)
from avprompt.runs.results import RunResult, read_results, read_skipped

SKIPPED = 20
"""Samples that are named of those that could not be used."""


@dataclass(frozen=True)
class Bar:
    """A number beside others of its metric: what it is, percent, and its 95 % interval where it is known."""

    name: str
    value: float
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class BarGroup:
    """Numbers that belong together, and what a reader learns of them."""

    kind: str
    title: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class SplitPage:
    """What a report shows of one split.

    Attributes:
        name: of the split.
        score: of the headline.
        groups: the headline's metric under altered sounds and contexts, and of floors and ceilings.
        tables: all scores, and the headline under altered context and sound.
        breakdowns: the headline by groups of samples.
        success: clips found over IoU; None where no protocol gives clips an IoU.
        pictures: clips of the gallery, worst first.
        clips: all scored clips, worst first; None where `samples.csv` is not there.
    """

    name: str
    score: Bar
    groups: tuple[BarGroup, ...]
    tables: tuple[ResultTable, ...]
    breakdowns: tuple[ResultTable, ...]
    success: Chart | None
    pictures: tuple[Picture, ...]
    clips: Clips | None

    @property
    def beside(self) -> tuple[Bar, ...]:
        """The least that stands beside the headline: the highest floor, and what another's sound leaves."""
        bars = {group.kind: group.bars for group in reversed(self.groups)}
        floors = sorted(bars.get("floor", ()), key=lambda bar: bar.value)
        return (
            tuple(replace(bar, name=f"floor {bar.name}") for bar in floors[-1:]) + bars.get("altered", ())[:1]
        )


@dataclass(frozen=True)
class RunPage:
    """What a report shows of one run.

    Attributes:
        anchor: its place in the page.
        result: all numbers.
        folder: the run directory.
        summary: what the method says of itself.
        splits: the headline first.
        gallery: picture of clips that have no truth, and so no scores; a data URI, empty where there is none.
        training: charts of the log.
        config: text of `config.yaml`; empty where there is none.
        skipped: samples that could not be used, by split, as text.
    """

    anchor: str
    result: RunResult
    folder: Path
    summary: str
    splits: tuple[SplitPage, ...]
    gallery: str
    training: tuple[Chart, ...]
    config: str
    skipped: Mapping[str, Sequence[str]]

    @property
    def metric(self) -> str:
        """The headline metric, as people read it."""
        return spoken(self.result.headline[1])


def run_page(folder: Path, anchor: str, splits: Sequence[str] = ()) -> RunPage:
    """Make a run ready.

    Args:
        folder: the run directory.
        anchor: its place in the page.
        splits: that are shown; all that it has scored unless given.

    Raises:
        DataError: no finished run, or a damaged file.
    """
    result, directory = read_results(folder), RunDirectory(folder)
    tables = directory.tables() if directory.config.is_file() else {}
    shown = [split for split in result.scores if not splits or split in splits]
    return RunPage(
        anchor,
        result,
        folder,
        summary=str(tables.get("summary") or ""),
        splits=tuple(_split_page(result, directory, split) for split in shown),
        gallery=data_uri(directory.gallery) if directory.gallery.is_file() and not result.scores else "",
        training=training_charts(folder),
        config=directory.config.read_text(encoding="utf-8") if tables else "",
        skipped=_skipped(directory),
    )


def _split_page(result: RunResult, directory: RunDirectory, split: str) -> SplitPage:
    protocol, metric = result.headline
    rows = sample_rows(directory, split)
    clips = clips_of(rows, protocol)
    interval = result.intervals.get(split, {}).get(protocol, {}).get(metric)
    tables = [score_table(result, split)]
    if split in result.context_reliance:
        tables.append(context_table(result, split))
    return SplitPage(
        name=split,
        score=Bar(protocol, result.scores[split][protocol][metric], interval),
        groups=tuple(group for group in _groups(result, split) if group.bars),
        tables=tuple(tables),
        breakdowns=tuple(breakdown_table(result, split, by) for by in result.breakdowns.get(split, {})),
        success=success_chart(rows, [*result.scores[split]]),
        pictures=pictures_of(directory, clips, threshold(result, split)),
        clips=clips,
    )


def _groups(result: RunResult, split: str) -> Iterator[BarGroup]:
    """Yield what the headline must be read beside, in the headline's metric."""
    metric = result.headline[1]
    sounds = result.audio_reliance.get(split, {})
    altered = {name: sounds.get(sound, {}).get(of or metric) for name, sound, of in RELIANCE}
    yield _group("altered", "With another sound: what is lost here is owed to listening", altered)
    contexts = result.context_reliance.get(split, {})
    others = {
        name: contexts.get(context, {}).get(sound, {}).get(metric)
        for name, context, sound in CONTEXT_RELIANCE
        if sound == "true"
    }
    yield _group("altered", "With another context: what is lost here is owed to the image's prompt", others)
    titles = {
        "floor": "Floors: guesses that never listen",
        "ceiling": "Ceilings: they know the truth or the class",
        "class-supervised": "Class-supervised: it knows class names",
    }
    for kind, title in titles.items():
        guesses = getattr(result, BOUNDS[kind]).get(split, {})
        yield _group(kind, title, {name: scores.get(metric) for name, scores in guesses.items()})


def _group(kind: str, title: str, values: Mapping[str, Any]) -> BarGroup:
    bars = tuple(Bar(name, value) for name, value in values.items() if value is not None)
    return BarGroup(kind, title, bars)


def _skipped(directory: RunDirectory) -> dict[str, list[str]]:
    """Return a line for each of the first samples that could not be used, and how many more there are."""
    lines = {}
    for split, samples in read_skipped(directory.skipped).items():
        more = [f"and {len(samples) - SKIPPED:,} more"] if len(samples) > SKIPPED else []
        lines[split] = [f"{sample.id}: {sample.reason}" for sample in samples[:SKIPPED]] + more
    return lines
