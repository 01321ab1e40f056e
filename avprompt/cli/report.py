"""`avprompt report`: finished runs as one page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from avprompt.cli.options import PathType, format_options, output_option

if TYPE_CHECKING:
    from avprompt.report.formats import Format


@click.command()
@click.argument("runs", nargs=-1, required=True, type=PathType(path_type=Path), metavar="RUN...")
@click.option("--protocol", metavar="NAME", help="Rank several runs by this; by their headline unless given.")
@click.option("--split", "splits", multiple=True, metavar="NAME", help="Show this split; may be repeated.")
@format_options
@output_option
def report(
    runs: tuple[Path, ...],
    protocol: str | None,
    splits: tuple[str, ...],
    form: Format | None,
    output: Path | None,
) -> None:
    """Write one HTML page of finished runs, with everything in it: it opens from disk and can be sent.

    Each RUN is a run directory, a folder that holds some, or hf:user/name on the Hugging Face hub. One run is
    shown with its scores beside floors, ceilings and altered sounds, its success curve, its training and its
    clips, worst first. Several stand in leaderboards too, the seeds of a method together; runs of other
    samples, truths or protocols never stand side by side. --format prints the leaderboards instead.
    """
    from avprompt import api

    if form:
        from avprompt.cli.tables.formats import echo_tables
        from avprompt.report.leaderboard import leaderboards
        from avprompt.report.page import find_runs
        from avprompt.report.seeds import group_seeds

        boards = leaderboards(group_seeds(find_runs(runs)), protocol=protocol, splits=splits)
        notes = [note for board in boards for note in board.notes]
        echo_tables([board.table for board in boards], notes, form)
        return
    click.echo(api.report(runs, output=output, protocol=protocol, splits=splits))
