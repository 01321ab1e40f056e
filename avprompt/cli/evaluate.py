"""`avprompt evaluate`: score a finished run, or a method with a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from avprompt.cli.options import (
    SEED,
    checked_options,
    checkpoint_option,
    data_options,
    dataset_option,
    method_options,
    output_option,
    trust_option,
)


@click.command()
@click.argument("run_or_method")
@dataset_option
@data_options
@method_options
@click.option("--seed", type=SEED, help="Of the altered sounds.")
@checkpoint_option
@trust_option
@output_option
def evaluate(run_or_method: str, checkpoint: Path | None, trust: bool, output: Path | None, **_: Any) -> None:
    """Score a finished run directory, or a method with --checkpoint, without training.

    A run directory brings its own method, checkpoint, dataset and encoders; --dataset scores it elsewhere.
    """
    options = checked_options(run_or_method)
    from avprompt import api
    from avprompt.cli.tables.result import print_result

    print_result(
        api.evaluate(
            run_or_method, output=output, checkpoint=checkpoint, trust=trust, progress=True, **options
        )
    )
