"""Tables on the screen: the conditions of a sweep, and its main effects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from avprompt.cli.tables import screen

if TYPE_CHECKING:
    from avprompt.sweeps.result import SweepResult


def print_sweep(result: SweepResult, console: Console | None = None) -> None:
    """Print a table for each split with its main effects, then notes, failures, and where everything is."""
    console = console or screen()
    for table in result.tables:
        console.print(_table(table.lines, table.title))
        if table.effect_lines:
            console.print(_table(table.effect_lines))
    for note in result.notes:
        console.print(f"[yellow]Note:[/yellow] {escape(note)}", highlight=False)
    for name, error in result.failures.items():
        click.echo(f"Error: {name}: {error}", err=True)
    where = f"Everything is in {result.folder}, and a row for each run in {result.ledger}"
    console.print(where, highlight=False, markup=False)


def _table(lines: Sequence[Sequence[str]], title: str | None = None) -> Table:
    head, *rows = lines
    table = Table(title=title, title_justify="left")
    for number, name in enumerate(head):
        table.add_column(name, justify="right" if number else "left")
    for row in rows:
        table.add_row(*map(escape, row))
    return table
