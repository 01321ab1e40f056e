"""What `avprompt sweep` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from avprompt.sweeps.run import SweptCells


def print_sweep(swept: SweptCells) -> None:
    """Print where everything is, and what went wrong."""
    if swept.taken:
        others = f", {swept.outdated} of them made by other code than today's (--redo makes them again)"
        click.echo(f"{swept.taken} runs were taken from {swept.ledger}{others if swept.outdated else ''}.")
    for name, error in swept.failures.items():
        click.echo(f"Error: {name}: {error}", err=True)
    click.echo(f"Everything is in {swept.folder}, and in {swept.ledger}")
