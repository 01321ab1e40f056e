"""Tables on the screen: a run, a comparison, a method's parts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from avprompt.compare import Comparison, Contestant
    from avprompt.describe import Description
    from avprompt.results import RunResult

METRICS = ("cIoU", "AUC", "mean_IoU")


def print_result(result: RunResult, folder: Path, console: Console | None = None) -> None:
    """Print the scores of a run with what they must be read beside, one table a split."""
    console = console or Console()
    for split in result.scores:
        console.print(result_table(result, split))
        for by, groups in result.breakdowns.get(split, {}).items():
            console.print(breakdown_table(by, groups, result.headline[0]))
    for note in result.notes:
        console.print(f"[yellow]Note:[/yellow] {note}")
    for split, counts in result.samples.items():
        if counts.used < counts.expected:
            left_out = counts.expected - counts.used
            console.print(
                f"[yellow]{split}:[/yellow] {left_out} of {counts.expected} samples could not be used:"
            )
            console.print(_skipped(folder, split), highlight=False)
    console.print(f"Everything is in {folder}", highlight=False)


def result_table(result: RunResult, split: str) -> Table:
    """Return the scores of one split: protocols, then floors, ceilings and audio reliance."""
    counts = result.samples[split]
    table = Table(
        title=f"{result.method} on {result.dataset}/{split}, {result.encoders} encoders, seed {result.seed}\n"
        f"{counts.used:,} of {counts.expected:,} samples, "
        f"{result.trainable_parameters:,} trainable parameters",
        title_justify="left",
    )
    table.add_column("Percent")
    for name in METRICS:
        table.add_column(name.replace("_", " "), justify="right")
    table.add_column("cIoU, 95 %", justify="right")
    table.add_column("Threshold", justify="right")
    for protocol, scores in result.scores[split].items():
        bold = "bold" if protocol == result.headline[0] else ""
        interval = result.intervals.get(split, {}).get(protocol)
        bounds = f"{interval[0]:.1f} .. {interval[1]:.1f}" if interval else ""
        cut = _threshold(scores.get("threshold"))
        table.add_row(protocol, *_numbers(scores, METRICS), bounds, cut, style=bold)
    for title, part in (("floor", result.floors), ("ceiling", result.ceilings)):
        table.add_section()
        for name, scores in part.get(split, {}).items():
            table.add_row(f"{title}: {name}", *_numbers(scores, METRICS), style="dim")
    table.add_section()
    for sound, scores in result.audio_reliance.get(split, {}).items():
        for metric, value in scores.items():
            name = sound if metric == "cIoU" else f"{sound} {metric.replace('_', ' ')}"
            table.add_row(f"sound: {name}", f"{value:.2f}")
    return table


def breakdown_table(by: str, groups: dict[str, dict[str, Any]], protocol: str) -> Table:
    """Return the scores of groups of samples under one protocol."""
    table = Table(title=f"By {by}, {protocol}", title_justify="left")
    table.add_column(by.capitalize())
    table.add_column("Samples", justify="right")
    for name in METRICS:
        table.add_column(name.replace("_", " "), justify="right")
    for group, scores in groups.items():
        table.add_row(group, f"{scores['samples']:,}", *_numbers(scores, METRICS))
    return table


def print_comparison(comparison: Comparison, folder: Path, console: Console | None = None) -> None:
    """Print contestants side by side, and where the picture is."""
    console = console or Console()
    console.print(comparison_table(comparison))
    if (folder / "compare.png").is_file():
        console.print(f"The same clips under every method: {folder / 'compare.png'}", highlight=False)


def comparison_table(comparison: Comparison) -> Table:
    """Return scores under the headline protocol, differences to the first, and floors below."""
    first = comparison.contestants[0].results[0]
    runs = max(len(contestant.results) for contestant in comparison.contestants)
    seeds = f"{runs} seeds, mean ± deviation" if runs > 1 else f"seed {first.seed}"
    table = Table(
        title=f"{comparison.dataset}/{comparison.split}, {comparison.protocol}, "
        f"{first.encoders} encoders, {seeds}",
        title_justify="left",
    )
    table.add_column("Method")
    heads = (
        "Trained",
        "cIoU",
        "Δ",
        "AUC",
        "Δ",
        "Shuffled",
        "Silent",
        "Off-screen",
        "On distractor",
        "On original",
    )
    for head in heads:
        table.add_column(head, justify="right")
    table.add_column("Published cIoU", justify="right")
    for contestant in comparison.contestants:
        table.add_row(*_contestant(comparison, contestant))
    table.add_section()
    for floor, scores in first.floors[comparison.split].items():
        table.add_row(f"floor: {floor}", "", f"{scores['cIoU']:.2f}", "", f"{scores['AUC']:.2f}", style="dim")
    for ceiling, scores in first.ceilings[comparison.split].items():
        table.add_row(
            f"ceiling: {ceiling}", "", f"{scores['cIoU']:.2f}", "", f"{scores['AUC']:.2f}", style="dim"
        )
    return table


def _contestant(comparison: Comparison, contestant: Contestant) -> list[str]:
    split, protocol = comparison.split, comparison.protocol
    row = [contestant.name, f"{contestant.results[0].trainable_parameters:,}"]
    for metric in ("cIoU", "AUC"):
        mine = contestant.values(split, "scores", protocol, metric)
        reference = comparison.contestants[0].values(split, "scores", protocol, metric)
        row += [_spread(mine), _difference(mine, reference, contestant is comparison.contestants[0])]
    for sound in ("shuffled", "silent", "off-screen"):
        row.append(_spread(contestant.values(split, "audio_reliance", sound, "cIoU")))
    for metric in ("on_distractor", "on_original"):
        row.append(_spread(contestant.values(split, "audio_reliance", "distractor", metric)))
    method = contestant.results[0].method
    printed = [one for one in comparison.published if one.method == method and "cIoU" in one.scores]
    return [*row, ", ".join(f"{one.scores['cIoU']:.2f} ({one.protocol}, {one.evidence})" for one in printed)]


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
    (console or Console()).print(table)


def _numbers(scores: dict[str, Any], metrics: Sequence[str]) -> list[str]:
    return [f"{scores[name]:.2f}" if name in scores else "" for name in metrics]


def _threshold(value: Any) -> str:
    if isinstance(value, list):
        return " / ".join(f"{one:.2f}" for one in value)
    return "" if value is None else f"{value:.2f}"


def _spread(values: Sequence[float]) -> str:
    from avprompt.compare import summary

    if not values:
        return ""
    middle, deviation = summary(values)
    return f"{middle:.2f}" if deviation is None else f"{middle:.1f} ± {deviation:.1f}"


def _difference(mine: Sequence[float], reference: Sequence[float], itself: bool) -> str:
    if itself or not mine or not reference:
        return ""
    return f"{sum(mine) / len(mine) - sum(reference) / len(reference):+.2f}"


def _skipped(folder: Path, split: str) -> str:
    import csv

    path = folder / "skipped.csv"
    if not path.is_file():
        return ""
    with path.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == split]
    lines = [f"  {row['id']}: {row['reason']}" for row in rows[:10]]
    more = [f"  and {len(rows) - 10} more, see {path}"] if len(rows) > 10 else []
    return "\n".join(lines + more)
