"""`avprompt evaluate`: score a finished run, or a method with a checkpoint."""

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
)


@click.command()
@click.argument("run_or_method")
@dataset_option
@data_options
@method_options
@click.option("--seed", type=SEED, help="Of the altered sounds.")
@checkpoint_option
@output_option
def evaluate(run_or_method: str, checkpoint: Path | None, output: Path | None, **chosen: Any) -> None:
    """Score a finished run directory, or a method with --checkpoint, without training.

    A run directory brings its own method, checkpoint, dataset and encoders; --dataset scores it elsewhere.
    """
    from avprompt.cli.progress import Progress
    from avprompt.cli.tables.result import print_result
    from avprompt.plugin.discovery import load_plugins
    from avprompt.runs.directory import fresh
    from avprompt.runs.run import execute
    from avprompt.runs.session import is_run, open_session, recorded_settings, run_parts

    method = run_or_method
    if is_run(run_or_method):
        method, found, recorded = run_parts(Path(run_or_method))
        checkpoint = checkpoint or found
        chosen = recorded_settings(recorded, chosen)
    made = settings(**chosen)
    session = open_session(load_plugins(made.plugins), method, made, checkpoint, trained=True)
    first = Path("runs") / made.dataset / f"{session.method_config.name}-evaluated"
    folder = session.ranks.share(output or fresh(first))
    result = execute(session, folder, reporter=Progress(), evaluate_only=True)
    if session.ranks.main:
        print_result(result, folder)
