"""`avprompt export`: a finished run for others, as a folder or on the Hugging Face hub."""

from __future__ import annotations

from pathlib import Path

import click

from avprompt.cli.options import PathType, output_option


@click.command()
@click.argument("run", type=PathType(path_type=Path))
@output_option
@click.option("--push", metavar="USER/NAME", help="Put it on the Hugging Face hub too, as this repository.")
@click.option("--private", is_flag=True, help="Only you see the repository, if it is made now.")
@click.option("--license", "licence", metavar="NAME", help="Of the trained parts, such as apache-2.0.")
def export(run: Path, output: Path | None, push: str | None, private: bool, licence: str | None) -> None:
    """Write RUN as a folder for the hub: model card, config, checkpoint, results and gallery.

    Anybody with avprompt reads it back: `--method hf:USER/NAME`, or avprompt.load("hf:USER/NAME"). No code
    of it runs unless they say --trust.
    """
    from avprompt import api

    click.echo(api.export(run, output, push=push, private=private, licence=licence))
