"""What a sweep shows while it goes on: a line before each cell, or a bar over cells that run side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from avprompt.errors import messages
from avprompt.sweeps.running import Watch


@contextmanager
def watching(total: int, *, jobs: int, shown: bool) -> Iterator[Watch]:
    """Open a display of so many cells.

    Args:
        total: cells that are to be run.
        jobs: that run at a time; with one, its own bars have the screen, and a line before them tells of it.
        shown: False shows nothing.
    """
    console = messages() if shown else Console(quiet=True)
    if jobs == 1:

        def tell(over: int, running: Sequence[str]) -> None:
            console.print(f"{over + 1} of {total}: {', '.join(running)}", highlight=False, markup=False)

        yield tell
        return
    columns = (TextColumn("sweep"), BarColumn(24), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TextColumn("[dim]{task.fields[note]}"), console=console) as bar:
        task = bar.add_task("sweep", total=total, note="")

        def show(over: int, running: Sequence[str]) -> None:
            bar.update(task, completed=over, note="  |  ".join(running))

        yield show
