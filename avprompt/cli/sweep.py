"""`avprompt sweep`: many runs that differ in a few options, and their table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from avprompt.cli.options import (
    SEED,
    PathType,
    data_options,
    given_options,
    method_options,
    output_option,
    training_options,
)


@click.command()
@click.argument("targets", nargs=-1, required=True, metavar="SWEEP|METHOD...")
@click.option(
    "--over",
    multiple=True,
    metavar="PART.OPTION=A,B,...",
    help="Run every value of an option; may be repeated, for all combinations.",
)
@click.option("--dataset", "datasets", multiple=True, metavar="NAME", help="Benchmark; may be repeated.")
@click.option("--seed", "seeds", type=SEED, multiple=True, help="May be repeated; 0 unless given.")
@data_options
@method_options
@training_options
@output_option
@click.option("--dry-run", is_flag=True, help="Print the command of every run, and do nothing.")
@click.option(
    "--jobs",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Runs at a time, which share the cores.",
)
@click.option(
    "--ledger",
    type=PathType(path_type=Path, dir_okay=False),
    metavar="FILE.csv",
    help="Where finished runs are entered and looked up; the sweep's own, or one in the output folder.",
)
@click.option(
    "--reference", metavar="NAME", help="Compare with this row of the tables; with the first unless given."
)
@click.option("--done-only", is_flag=True, help="Run nothing: show what is in the ledger.")
@click.option("--redo", is_flag=True, help="Run again what other code than today's has made.")
def sweep(
    targets: tuple[str, ...],
    over: tuple[str, ...],
    datasets: tuple[str, ...],
    seeds: tuple[int, ...],
    output: Path | None,
    dry_run: bool,
    jobs: int,
    ledger: Path | None,
    redo: bool,
    done_only: bool,
    reference: str | None,
    **_: Any,
) -> None:
    """Run methods, or a registered SWEEP or its YAML file, at every level of some factors.

    Each run is an ordinary run directory below the output folder. What is done is never done again; what
    has begun goes on.
    """
    from avprompt.sweeps.sweep import parse_over

    options = given_options() | {
        "over": parse_over(over),
        "datasets": datasets or None,
        "seeds": seeds or None,
    }
    if dry_run:
        from avprompt.plugin.discovery import load_plugins
        from avprompt.sweeps.plan import plan_sweep
        from avprompt.sweeps.run import sweep_folder
        from avprompt.sweeps.sweep import asked_sweep

        loaded = load_plugins(options.get("plugins", ()))
        asked = asked_sweep(loaded, targets, **options)
        for cell in plan_sweep(loaded, asked, output or sweep_folder(asked)):
            click.echo(cell.command)
        return
    from avprompt import api
    from avprompt.cli.tables.sweep import print_sweep

    result = api.sweep(
        targets,
        output=output,
        ledger=ledger,
        jobs=jobs,
        redo=redo,
        done_only=done_only,
        reference=reference,
        progress=True,
        **options,
    )
    print_sweep(result)
    if result.failures:
        raise click.exceptions.Exit(1)
