"""Tables on the screen: a run, a comparison, a method's parts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from avprompt.cli.tables import screen
from avprompt.distributed import launched_rank

if TYPE_CHECKING:
    from avprompt.runs.comparison import SplitComparison
    from avprompt.runs.describe import Description
    from avprompt.runs.results import Counts, RunResult
    from avprompt.runs.side_by_side import Comparison

METRICS = ("cIoU", "AUC", "mean_IoU")
_SOUNDS = {"true": "own sound", "shuffled": "another's sound", "silent": "no sound"}
_CONTEXTS = {
    "own": "own",
    "other": "another image's",
    "mean": "none: the mean of all",
    "blank": "a blank image's",
}
_ALTERED = {"on_distractor": "distractor: on it", "on_original": "distractor: on first"}


def print_result(result: RunResult, console: Console | None = None) -> None:
    """Print the scores of a run with what they must be read beside, one table a split; once for all ranks."""
    if launched_rank() > 0:
        return
    console = console or screen()
    for split in result.scores:
        for table in _tables_of(result, split):
            console.print(table)
    for note in result.notes:
        console.print(f"[yellow]Note:[/yellow] {escape(note)}")
    if result.training:
        for reason, steps in result.training.left_out.items():
            console.print(f"[yellow]train:[/yellow] {steps} steps were left out: {reason}")
    for split, counts in _splits(result).items():
        lines = _skipped(result.folder, split)
        if lines:
            left_out = counts.expected - counts.used
            console.print(
                f"[yellow]{split}:[/yellow] {left_out} of {counts.expected} samples could not be used:"
            )
            console.print(lines, highlight=False, markup=False)
    if result.drawn:
        console.print(
            f"{result.drawn.used:,} of {result.drawn.expected:,} clips were drawn, in overlays and heatmaps.",
            highlight=False,
        )
    console.print(f"Everything is in {result.folder}", highlight=False, markup=False)


def _tables_of(result: RunResult, split: str) -> Iterator[Table]:
    yield result_table(result, split)
    if split in result.context_reliance:
        yield context_table(result, split)
    for by, groups in result.breakdowns.get(split, {}).items():
        yield breakdown_table(by, groups, result.headline)


def result_table(result: RunResult, split: str) -> Table:
    """Return the scores of one split: protocols, then floors, ceilings and audio reliance."""
    counts = result.samples[split]
    table = Table(
        title=f"{result.method} on {result.dataset}/{split}, {result.encoders} encoders, seed {result.seed}\n"
        f"{counts.used:,} of {counts.expected:,} samples, "
        f"{result.trainable_parameters:,} trainable parameters{_training(result)}",
        title_justify="left",
    )
    table.add_column("Percent", no_wrap=True)
    metric, floors = result.headline[1], result.floors.get(split, {})
    metrics = _shown((*result.scores[split].values(), *floors.values()), metric)
    for name in metrics:
        table.add_column(name.replace("_", " "), justify="right")
    table.add_column(f"{metric.replace('_', ' ')}, 95 %", justify="right")
    table.add_column("Thr.", justify="right")
    more = any(_other_scores(scores, metrics) for scores in result.scores[split].values())
    if more:
        table.add_column("Its own scores", overflow="fold")
    for protocol, scores in result.scores[split].items():
        bold = "bold" if protocol == result.headline[0] else ""
        interval = result.intervals.get(split, {}).get(protocol, {}).get(metric)
        bounds = f"{interval[0]:.1f} .. {interval[1]:.1f}" if interval else ""
        cut = _threshold(scores.get("threshold"))
        others = [_others(scores, metrics)] if more else []
        table.add_row(protocol, *_numbers(scores, metrics), bounds, cut, *others, style=bold)
    _add_bounds(table, result, split, metrics)
    table.add_section()
    for sound, scores in result.audio_reliance.get(split, {}).items():
        for name, value in scores.items():
            table.add_row(_ALTERED.get(name, f"sound: {sound}"), f"{value:.2f}")
    return table


def _add_bounds(table: Table, result: RunResult, split: str, metrics: Sequence[str]) -> None:
    """Add floors, or that there are none, ceilings, what knows class names, and published numbers."""
    bounds = {
        "floor": result.floors,
        "ceiling": result.ceilings,
        "class-supervised": result.class_supervised,
    }
    for title, part in bounds.items():
        table.add_section()
        rows = part.get(split, {})
        for name, scores in rows.items():
            table.add_row(f"{title}: {name}", *_numbers(scores, metrics), style="dim")
        if title == "floor" and not rows and not result.outdated:
            table.add_row(f"floor: {result.headline[0]} has none", style="dim")
    for printed in result.published:
        if printed.split == split:
            name = f"published: {printed.protocol}\n  trained on {printed.trained_on}"
            table.add_row(name, *_numbers(printed.scores, metrics), style="dim")


def context_table(result: RunResult, split: str) -> Table:
    """Return the headline of one split under own, other and no context, each with own, other and no sound."""
    protocol, metric = result.headline
    contexts: Mapping[str, Any] = result.context_reliance[split] | {
        "own": {"true": result.scores[split][protocol], **result.audio_reliance.get(split, {})}
    }
    title = f"{metric.replace('_', ' ')} under altered context and sound, {protocol}"
    table = Table(title=title, title_justify="left")
    table.add_column("Context")
    for heading in _SOUNDS.values():
        table.add_column(heading, justify="right")
    for context, heading in _CONTEXTS.items():
        if context in contexts:
            cells = (contexts[context].get(sound, {}).get(metric) for sound in _SOUNDS)
            table.add_row(heading, *("" if value is None else f"{value:.2f}" for value in cells))
    return table


def breakdown_table(by: str, groups: dict[str, dict[str, Any]], headline: tuple[str, str]) -> Table:
    """Return the scores of groups of samples under the headline protocol."""
    protocol, metric = headline
    table, metrics = (
        Table(title=f"By {by}, {protocol}", title_justify="left"),
        _shown(groups.values(), metric),
    )
    table.add_column(by.capitalize())
    table.add_column("Samples", justify="right")
    for name in metrics:
        table.add_column(name.replace("_", " "), justify="right")
    for group, scores in groups.items():
        table.add_row(escape(group), f"{scores['samples']:,}", *_numbers(scores, metrics))
    return table


def print_comparison(comparison: Comparison, console: Console | None = None) -> None:
    """Print methods side by side, one table a split, and where the picture is; once for all ranks."""
    if launched_rank() > 0:
        return
    console = console or screen()
    for split_comparison in comparison.tables.values():
        console.print(_comparison_table(split_comparison))
    for note in comparison.notes:
        console.print(f"[yellow]Note:[/yellow] {escape(note)}")
    if comparison.picture.is_file():
        where = f"The same clips under every method: {comparison.picture}"
        console.print(where, highlight=False, markup=False)


def _comparison_table(comparison: SplitComparison) -> Table:
    table = Table(title=comparison.title, title_justify="left")
    table.add_column("Percent")
    for method in comparison.methods:
        table.add_column(method.name, justify="right")
    for section in comparison.sections:
        for row in section:
            table.add_row(*row)
        table.add_section()
    return table


def print_description(description: Description, console: Console | None = None) -> None:
    """Print a method's parts with shapes and parameter counts."""
    table = Table(title=f"{description.method}, {description.encoders} encoders", title_justify="left")
    for head in ("Part", "Name", "Shapes"):
        table.add_column(head)
    for head in ("Trainable", "Frozen"):
        table.add_column(head, justify="right")
    for part in description.parts:
        table.add_row(part.part, part.name, part.shapes, f"{part.trainable:,}", f"{part.frozen:,}")
    table.add_section()
    table.add_row(
        "in all", "", f"{description.total:,}", f"{description.trainable:,}", f"{description.frozen:,}"
    )
    (console or screen()).print(table)


def _splits(result: RunResult) -> dict[str, Counts]:
    """Return how much was used of every split, the training split first, and of what was drawn."""
    trained = {"train": result.training.clips} if result.training else {}
    return trained | result.samples | ({"drawn": result.drawn} if result.drawn else {})


def _training(result: RunResult) -> str:
    if result.training is None:
        return ""
    clips = result.training.clips
    return f"\ntrained for {result.training.steps:,} steps on {clips.used:,} of {clips.expected:,} clips"


def _numbers(scores: Mapping[str, Any], metrics: Sequence[str]) -> list[str]:
    return [f"{scores[name]:.2f}" if name in scores else "" for name in metrics]


def _shown(tables: Iterable[Mapping[str, Any]], headline: str) -> tuple[str, ...]:
    """Return the metrics that have a column of their own: the headline, and the usual ones that are there."""
    scored = {name for scores in tables for name in scores}
    return (headline, *(name for name in METRICS if name in scored and name != headline))


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


def _skipped(folder: Path | None, split: str) -> str:
    from avprompt.runs.directory import RunDirectory
    from avprompt.runs.results import read_skipped

    path = RunDirectory(folder or Path()).skipped
    skipped = read_skipped(path).get(split, [])
    lines = [f"  {missing.id}: {missing.reason}" for missing in skipped[:10]]
    more = [f"  and {len(skipped) - 10} more, see {path}"] if len(skipped) > 10 else []
    return "\n".join(lines + more)
