"""`avprompt compare`: methods side by side, on the same data, seeds and schedule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from avprompt.cli.options import (
    SEED,
    data_options,
    dataset_option,
    method_options,
    output_option,
    settings,
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
def compare(methods: tuple[str, ...], seeds: tuple[int, ...], output: Path | None, **chosen: Any) -> None:
    """Compare methods, or finished runs, and print their scores with the difference to the first.

    Each of A B ... is a registered method, a YAML file, or a run directory. What is not trained yet is
    trained, with the same seeds, data and schedule; several seeds give means and spreads.
    """
    from avprompt.cli.progress import Progress
    from avprompt.cli.tables.comparison import print_comparison
    from avprompt.distributed import launched_rank
    from avprompt.plugin.discovery import load_plugins
    from avprompt.runs.compare import compare as compare_methods

    made = settings(**chosen)
    folder = output or Path("runs") / made.dataset / "compare"
    comparison = compare_methods(load_plugins(made.plugins), methods, made, seeds, folder, Progress())
    if launched_rank() == 0:
        print_comparison(comparison, folder)
