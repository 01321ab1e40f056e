"""`avprompt compare`: methods side by side, on the same data, seeds and schedule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from avprompt.cli.options import (
    SEED,
    data_options,
    dataset_option,
    given_options,
    method_options,
    output_option,
    training_options,
)


@click.command()
@click.argument("methods", nargs=-1, required=True, metavar="A B ...")
@dataset_option
@data_options
@method_options
@training_options
@click.option(
    "--seed", "seeds", type=SEED, multiple=True, default=(0,), show_default=True, help="May be repeated."
)
@output_option
def compare(methods: tuple[str, ...], seeds: tuple[int, ...], output: Path | None, **_: Any) -> None:
    """Compare methods, or finished runs, and print their scores with the difference to the first.

    Each of A B ... is a registered method, a YAML file, or a run directory. What is not trained yet is
    trained, with the same seeds, data and schedule; several seeds give means and spreads.
    """
    from avprompt import api
    from avprompt.cli.tables.result import print_comparison

    options = given_options()
    print_comparison(api.compare(methods, seeds=seeds, output=output, progress=True, **options))
