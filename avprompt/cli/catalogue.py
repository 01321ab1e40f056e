"""`avprompt list`, `show` and `describe`: what there is."""

from __future__ import annotations

import json
from typing import Any

import click
from rich.table import Table

from avprompt.cli.options import checked_options, json_option, method_options, plugin_option
from avprompt.cli.tables import screen
from avprompt.errors import UnknownNameError, suggest
from avprompt.plugin.discovery import load_plugins
from avprompt.registry import KINDS


@click.command(name="list")
@click.argument("kind", required=False)
@json_option
@plugin_option
def list_(kind: str | None, as_json: bool, plugins: tuple[str, ...]) -> None:
    """List all registered parts, or those of one KIND, such as methods, datasets or prompts."""
    if kind is not None and kind not in KINDS:
        raise UnknownNameError(f"There is no kind '{kind}'. {suggest(kind, KINDS)}")
    entries = [entry for entry in load_plugins(plugins).registry.entries() if kind in (None, entry.kind)]
    if as_json:
        parts = [{"kind": entry.kind, "name": entry.name, "plugin": entry.owner} for entry in entries]
        click.echo(json.dumps(parts, indent=2))
        return
    table = Table("Kind", "Name", "Plugin", title="Registered parts", title_justify="left")
    for entry in entries:
        table.add_row(entry.kind, entry.name, entry.owner)
    screen().print(table)


@click.command()
@click.argument("method")
@click.option("--json-schema", is_flag=True, help="Print the JSON Schema of the method's options instead.")
@plugin_option
def show(method: str, json_schema: bool, plugins: tuple[str, ...]) -> None:
    """Print the YAML of METHOD; an edited copy runs as a method."""
    from avprompt.config.method_file import method_text

    registry = load_plugins(plugins).registry
    if json_schema:
        from avprompt.config.schema import method_schema

        click.echo(json.dumps(method_schema(registry, method), indent=2))
    else:
        text = method_text(registry, method)
        click.echo(text, nl=not text.endswith("\n"))


@click.command()
@click.argument("method")
@json_option
@method_options
def describe(method: str, as_json: bool, **_: Any) -> None:
    """Print the parts of METHOD: shapes, trainable and frozen parameters. No weights are read.

    Encoder set `published` unless --encoders says otherwise.
    """
    options = checked_options(method)
    from avprompt.cli.tables.result import print_description
    from avprompt.runs.describe import describe_method
    from avprompt.runs.settings import Settings

    settings = Settings.of(options)
    description = describe_method(load_plugins(settings.plugins), method, settings)
    if as_json:
        click.echo(json.dumps(description.model_dump(), indent=2))
    else:
        print_description(description)
