"""What the data tools report, on the screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from avprompt.cli.tables import screen

if TYPE_CHECKING:
    from avprompt.data.benchmark import BoxCounts
    from avprompt.data.tools.catalogue import Bounds, Description
    from avprompt.data.tools.leak import Leak
    from avprompt.data.tools.report import Report, SplitReport
    from avprompt.records import Missing

SHOWN = 5
"""How many of many clips are named on the screen."""


def print_catalogue(descriptions: Sequence[Description], console: Console | None = None) -> None:
    """Print a line for each benchmark."""
    table = Table("Name", "Title", "Samples", "Licence", title="Benchmarks", title_justify="left")
    for benchmark in descriptions:
        table.add_row(benchmark.name, benchmark.title, _splits(benchmark), escape(benchmark.licence))
    console = console or screen()
    console.print(table)
    console.print("Where to get one, and the layout of its folder: avprompt data list NAME", highlight=False)


def print_description(benchmark: Description, console: Console | None = None) -> None:
    """Print all that is known of a benchmark, its layout as it was written."""
    console = console or screen()
    console.print(f"[bold]{escape(benchmark.name)}[/bold]  {escape(benchmark.title)}", highlight=False)
    facts = {
        "samples": _splits(benchmark),
        "citation": benchmark.citation,
        "licence": benchmark.licence,
        "truth": benchmark.ground_truth,
        "coordinates": benchmark.coordinates,
        "broken boxes": benchmark.broken_boxes,
        "protocols": ", ".join(benchmark.protocols),
    }
    grid = Table.grid(padding=(0, 2))
    for name, fact in facts.items():
        grid.add_row(f"[dim]{name}[/dim]", escape(fact))
    console.print(grid, highlight=False)
    console.print(escape(benchmark.source), highlight=False, soft_wrap=True)
    console.print()


def print_check(report: Report, console: Console | None = None) -> None:
    """Print the report of a check, split by split."""
    console = console or screen()
    for name, split in report.splits.items():
        official = "" if split.official is None else f" of {split.official:,} official ones"
        console.print(
            f"[bold]{escape(report.dataset)}, {escape(name)}:[/bold] {split.listed:,} samples{official}, "
            f"{split.present:,} present, {split.readable:,} readable",
            highlight=False,
        )
        if split.annotation is None:
            console.print("annotation: none, so nothing of it can be scored")
        else:
            console.print(_box_counts(split.annotation, split.as_published), highlight=False)
        if split.wrong():
            console.print(_problems(split))
        for note in split.notes:
            console.print(f"[yellow]Note:[/yellow] {escape(note)}", highlight=False)
    for note in report.notes:
        console.print(f"[yellow]Note:[/yellow] {escape(note)}")
    console.print(_verdict(report))


def _verdict(report: Report) -> str:
    splits = report.splits.values()
    if not any(split.readable for split in splits):
        return "[red]Not one clip could be read.[/red]"
    if not report.ok:
        return "[red]Something is wrong.[/red]"
    if all(split.annotation is None for split in splits):
        return "[green]All files could be read.[/green] There is no truth to score by."
    return "[green]Nothing is wrong.[/green]"


def bounds_table(dataset: str, bounds: Mapping[str, Bounds]) -> Table:
    """Return floors and ceilings of some splits under one protocol, in percent."""
    guesses = [scores for split in bounds.values() for scores in (split.floors | split.ceilings).values()]
    metrics = dict.fromkeys(metric for scores in guesses for metric in scores)
    protocols = ", ".join(dict.fromkeys(split.protocol for split in bounds.values()))
    title = f"{dataset} without a model, percent under {protocols}"
    table = Table("Split", "Bound", title=title, title_justify="left")
    for metric in metrics:
        table.add_column(metric, justify="right")
    for name, split in bounds.items():
        table.add_section()
        rows = {f"floor: {guess}": scores for guess, scores in split.floors.items()}
        rows |= {f"ceiling: {rule}": scores for rule, scores in split.ceilings.items()}
        for k, (bound, scores) in enumerate(rows.items()):
            first = f"{name} ({split.samples:,} samples)" if k == 0 else ""
            table.add_row(first, bound, *(f"{scores[metric]:.2f}" for metric in metrics))
    return table


def print_missing(title: str, missing: Sequence[Missing], console: Console | None = None) -> None:
    """Print every clip that could not be used, with the reason."""
    console = console or screen()
    table = Table("Clip", "What is wrong", title=f"{title}: {len(missing):,}", title_justify="left")
    for clip in missing:
        table.add_row(escape(clip.id), escape(clip.reason))
    console.print(table)


def print_leak(leak: Leak, console: Console | None = None) -> None:
    """Print how much of a test list is in a training list, and some of it, or how each spells its clips."""
    console = console or screen()
    train, test = leak.train.path.name, leak.test.path.name
    lines = [
        f"{leak.leaked_clips:,} of the {leak.test_clips:,} clips of {test} are in {train}: "
        f"{len(leak.leaking):,} of its {len(leak.train.clips):,} lines."
    ]
    lines += [f"  {line}" for line in _first([" ".join(clip.ids) for clip in leak.leaking])]
    if not leak.leaking:
        names = leak.train.clips[0].id, leak.test.clips[0].id
        lines += [f"  {train} names clips such as {names[0]}, {test} such as {names[1]}."]
    console.print(escape("\n".join(lines)), highlight=False, soft_wrap=True)


def _splits(benchmark: Description) -> str:
    counts = ((name, "?" if count is None else f"{count:,}") for name, count in benchmark.splits.items())
    return ", ".join(f"{name} {count}" for name, count in counts)


def _box_counts(counts: BoxCounts, as_published: bool) -> str:
    text = f"annotation: {counts.samples:,} samples"
    if counts.boxes:
        text += (
            f", {counts.boxes:,} boxes, {counts.garbage} garbage and {counts.degenerate} degenerate boxes, "
            f"{counts.unmarked} samples without a valid box"
        )
    return text + (" (as it was published)" if as_published else "")


def _problems(split: SplitReport) -> Table:
    table = Table("Problem", "Clips", "Such as")
    table.columns[1].justify = "right"
    for kind, problems in split.wrong().items():
        lines = _first([f"{problem.id}: {problem.detail}" for problem in problems])
        table.add_row(kind, f"{len(problems):,}", escape("\n".join(lines)))
    return table


def _first(lines: Sequence[str]) -> list[str]:
    """Return the first few lines, and how many more there are."""
    more = [f"and {len(lines) - SHOWN:,} more"] if len(lines) > SHOWN else []
    return [*lines[:SHOWN], *more]
