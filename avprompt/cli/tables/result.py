"""Tables on the screen: a run, a comparison, a method's parts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from avprompt.cli.tables import screen
from avprompt.distributed import launched_rank

if TYPE_CHECKING:
    from avprompt.runs.comparison import SplitComparison
    from avprompt.runs.describe import Description
    from avprompt.runs.result_table import ResultTable
    from avprompt.runs.results import Counts, RunResult
    from avprompt.runs.side_by_side import Comparison

STYLES = {"headline": "bold", "bound": "dim"}


def print_result(result: RunResult, console: Console | None = None) -> None:
    """Print the scores of a run with what they must be read beside, one table a split; once for all ranks."""
    if launched_rank() > 0:
        return
    console = console or screen()
    for split in result.scores:
        for table in _tables_of(result, split):
            console.print(_rich(table))
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


def _tables_of(result: RunResult, split: str) -> Iterator[ResultTable]:
    from avprompt.runs.result_table import breakdown_table, context_table, score_table

    yield score_table(result, split)
    if split in result.context_reliance:
        yield context_table(result, split)
    for by in result.breakdowns.get(split, {}):
        yield breakdown_table(result, split, by)


def _rich(content: ResultTable) -> Table:
    """Return a table of text as rich draws it."""
    table = Table(title=content.title, title_justify="left")
    first, *numbers = content.head
    table.add_column(first, no_wrap=True)
    for place, name in enumerate(numbers, start=1):
        if place == content.folded:
            table.add_column(name, overflow="fold")
        else:
            table.add_column(name, justify="right")
    for section in content.sections:
        for line in section:
            table.add_row(*map(escape, line.cells), style=STYLES.get(line.kind, ""))
        table.add_section()
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


def _skipped(folder: Path | None, split: str) -> str:
    from avprompt.runs.directory import RunDirectory
    from avprompt.runs.results import read_skipped

    path = RunDirectory(folder or Path()).skipped
    skipped = read_skipped(path).get(split, [])
    lines = [f"  {missing.id}: {missing.reason}" for missing in skipped[:10]]
    more = [f"  and {len(skipped) - 10} more, see {path}"] if len(skipped) > 10 else []
    return "\n".join(lines + more)
