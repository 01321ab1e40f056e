"""`avprompt run`: train a method, score it, and leave a run directory."""

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
    training_options,
)


@click.command()
@click.argument("method")
@dataset_option
@data_options
@method_options
@training_options
@click.option("--seed", type=SEED, default=0, show_default=True)
@checkpoint_option
@output_option
@click.option("--resume", is_flag=True, help="Go on with the run in the output folder.")
def run(method: str, checkpoint: Path | None, output: Path | None, resume: bool, **_: Any) -> None:
    """Train METHOD, score it, and write a run directory.

    METHOD is a registered name (`avprompt list methods`) or a YAML file (`avprompt show souple` prints one).
    """
    options = checked_options(method)
    from avprompt import api
    from avprompt.cli.tables.result import print_result

    print_result(
        api.run(method, output=output, checkpoint=checkpoint, resume=resume, progress=True, **options)
    )
