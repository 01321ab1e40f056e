"""`avprompt score`: score kept predictions by any protocol."""

from __future__ import annotations

import json
from pathlib import Path

import click

from avprompt.cli.options import (
    dataset_option,
    json_option,
    output_option,
    plugin_option,
    protocol_option,
    root_option,
)


@click.command()
@click.argument("dump", type=click.Path(path_type=Path))
@dataset_option
@root_option
@protocol_option
@click.option("--by", multiple=True, type=click.Choice(["size", "class", "sources"]), help="Break it down.")
@plugin_option
@json_option
@output_option
def score(
    dump: Path,
    dataset: str | None,
    data_root: Path | None,
    protocols: tuple[str, ...],
    by: tuple[str, ...],
    plugins: tuple[str, ...],
    as_json: bool,
    output: Path | None,
) -> None:
    """Score the predictions in DUMP (made with --save-predictions) without a new forward pass."""
    from avprompt.cli.tables.result import print_result
    from avprompt.plugin.discovery import load_plugins
    from avprompt.runs.predictions import score_dump

    result = score_dump(
        load_plugins(plugins), dump, output, dataset=dataset, data_root=data_root, protocols=protocols, by=by
    )
    if as_json:
        click.echo(json.dumps(result.model_dump(mode="json") | {"folder": str(result.folder)}, indent=2))
    else:
        print_result(result)
