"""`avprompt run`: train a method, score it, and leave a run directory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from avprompt.cli.options import (
    SEED,
    checkpoint_option,
    data_options,
    dataset_option,
    method_options,
    output_option,
    settings,
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
def run(method: str, checkpoint: Path | None, output: Path | None, resume: bool, **chosen: Any) -> None:
    """Train METHOD, score it, and write a run directory.

    METHOD is a registered name (`avprompt list methods`) or a YAML file (`avprompt show souple` prints one).
    """
    from avprompt.cli.progress import Progress
    from avprompt.cli.tables.result import print_result
    from avprompt.distributed import launched_rank
    from avprompt.plugin.discovery import load_plugins
    from avprompt.runs.directory import claim, default_folder
    from avprompt.runs.run import execute
    from avprompt.runs.session import open_session

    made = settings(**chosen)
    folder = output or default_folder(method, made, resume=resume)
    if launched_rank() == 0:  # the others might find what it has begun to write
        claim(folder, resume=resume)
    session = open_session(load_plugins(made.plugins), method, made, checkpoint)
    folder = session.ranks.share(folder)
    result = execute(session, folder, resume=resume, reporter=Progress())
    if session.ranks.main:
        print_result(result, folder)
