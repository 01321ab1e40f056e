"""`avprompt compare`: methods side by side, on the same data, seeds and schedule."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from avprompt.cli.options import (
    SEED,
    checked_options,
    compared_options,
    data_options,
    dataset_option,
    format_options,
    output_option,
    training_options,
)

if TYPE_CHECKING:
    from avprompt.report.formats import Format


@click.command()
@click.argument("methods", nargs=-1, required=True, metavar="A B ...")
@dataset_option
@data_options
@compared_options
@training_options
@click.option(
    "--seed",
    "seeds",
    type=SEED,
    multiple=True,
    help="May be repeated; that of a finished run, or 0, unless given.",
)
@click.option(
    "--across",
    type=click.Choice(["encoders"]),
    help="Compare runs with different encoders; the table names them.",
)
@click.option(
    "--allow-different",
    is_flag=True,
    help="Compare runs that differ in seeds, encoders or training too; the table says in what.",
)
@format_options
@output_option
def compare(
    methods: tuple[str, ...],
    encoder_sets: tuple[str, ...],
    seeds: tuple[int, ...],
    across: Literal["encoders"] | None,
    allow_different: bool,
    form: Format | None,
    output: Path | None,
    **_: Any,
) -> None:
    """Compare methods, or finished runs, and print their scores with the difference to the first.

    Each of A B ... is a registered method, a YAML file, or a run directory. What is not trained yet is
    trained, with the same seeds, data and schedule; several seeds give means and spreads. There is a table
    for every test split that all have scored. Runs of other samples, truths or protocols are never put side
    by side. Finished runs are compared by any --protocol that all were scored by.
    """
    options = checked_options(*methods, encoder_sets=encoder_sets)
    from avprompt import api
    from avprompt.cli.tables.formats import echo_tables
    from avprompt.cli.tables.result import print_comparison
    from avprompt.distributed import launched_rank

    comparison = api.compare(
        methods,
        encoders=encoder_sets or None,
        seeds=seeds or None,
        across=across,
        allow_different=allow_different,
        output=output,
        progress=True,
        **options,
    )
    if form is None:
        print_comparison(comparison)
    elif launched_rank() == 0:
        echo_tables([*comparison.tables.values()], comparison.notes, form)
