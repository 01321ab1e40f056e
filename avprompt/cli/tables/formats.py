"""Tables for other programs: nothing else goes to the standard output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from avprompt.report.formats import Format
    from avprompt.runs.comparison import SplitComparison


def echo_tables(tables: Sequence[SplitComparison], notes: Sequence[str], form: Format) -> None:
    """Print tables in a format, and notes that it has no place for on the standard error."""
    from avprompt.report.formats import written

    click.echo(written(tables, notes, form), nl=False)
    for note in notes if form == "csv" else ():
        click.echo(f"Note: {note}", err=True)
