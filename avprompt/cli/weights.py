"""`avprompt weights`: what published weights there are, fetching, checking and converting them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from rich.filesize import decimal
from rich.table import Table

from avprompt.cli.options import plugin_option
from avprompt.cli.tables import screen
from avprompt.errors import WeightsError
from avprompt.plugin.discovery import load_plugins

FILE = click.Path(path_type=Path, dir_okay=False)


@click.group()
def weights() -> None:
    r"""Published weights: list them, fetch, verify, convert.

    They lie in $AVPROMPT_HOME, or ~/.cache/avprompt. AVPROMPT_OFFLINE=1 forbids downloads.
    """


@weights.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@plugin_option
def list_(as_json: bool, plugins: tuple[str, ...]) -> None:
    """List what the plugins know of: purpose, source, size, licence, whether it is here, SHA-256."""
    from avprompt.weights.published import published_weights

    summaries = [published.summary() for published in published_weights(load_plugins(plugins).registry)]
    if as_json:
        click.echo(json.dumps(summaries, indent=2))
        return
    console = screen()
    for summary in summaries:
        console.print(_entry(summary))
        console.print()


@weights.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@plugin_option
def fetch(names: tuple[str, ...], plugins: tuple[str, ...]) -> None:
    """Download weights that are not here; NAME may also be any repository of the Hugging Face hub."""
    from avprompt.weights.published import find_published

    registry = load_plugins(plugins).registry
    for published in [find_published(registry, name) for name in names]:
        click.echo(f"{published.name}: {published.fetch()}\nSHA-256 {published.sha256}")


@weights.command()
@click.argument("name", required=False)
@plugin_option
def verify(name: str | None, plugins: tuple[str, ...]) -> None:
    """Measure the SHA-256 of NAME, or of everything that is here, and compare it with the known one."""
    from avprompt.weights.published import find_published, published_weights

    registry = load_plugins(plugins).registry
    if name:
        candidates = [find_published(registry, name)]
    else:
        candidates = [published for published in published_weights(registry) if published.present]
    problems = []
    for published in candidates:
        try:
            sha256 = published.verify()
        except WeightsError as error:
            problems.append(str(error))
        else:
            verdict = "as it should be" if published.sha256 else "nothing to compare with"
            click.echo(f"{published.name}: {sha256}, {verdict}")
    if problems:
        raise WeightsError("\n".join(problems))
    if not candidates:
        click.echo("No published weights are here. `avprompt weights list` shows what there is.")


@weights.command()
@click.argument("name")
@plugin_option
def path(name: str, plugins: tuple[str, ...]) -> None:
    """Print where NAME is, or would have to be put."""
    from avprompt.weights.published import find_published

    click.echo(find_published(load_plugins(plugins).registry, name).path)


@weights.command()
@click.argument("source", type=FILE, metavar="IN")
@click.argument("target", type=FILE, metavar="OUT")
@click.option("--format", "format_", metavar="NAME", help="Of the file that is not ours; else by its ending.")
@plugin_option
def convert(source: Path, target: Path, format_: str | None, plugins: tuple[str, ...]) -> None:
    """Convert trained parts between somebody's checkpoint format and ours (.safetensors), bit for bit."""
    from avprompt.weights.convert import convert_checkpoint

    tensors = convert_checkpoint(load_plugins(plugins).registry, source, target, format_)
    click.echo(f"{target}: {tensors} tensors")


def _entry(summary: dict[str, Any]) -> Table:
    """Return all that is known of one file as two columns; long names and digests are never cut."""
    rows = {
        "purpose": summary["purpose"],
        "source": summary["source"],
        "size": "unknown" if summary["size"] is None else decimal(summary["size"]),
        "licence": summary["licence"],
        "here": f"yes, {summary['path']}" if summary["present"] else "no",
        "SHA-256": summary["sha256"] or "unknown",
        "note": summary["note"],
    }
    table = Table.grid(padding=(0, 2))
    table.title, table.title_justify, table.title_style = summary["name"], "left", "bold"
    table.add_column()
    table.add_column(overflow="fold")
    for key, value in rows.items():
        if value:
            table.add_row(f"  [dim]{key}[/dim]", value)
    return table
