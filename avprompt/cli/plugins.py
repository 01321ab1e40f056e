"""`avprompt plugins`: which plugins there are, a new one as a package, and what one keeps of its promises."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from rich.markup import escape
from rich.table import Table

from avprompt.cli.options import json_option, output_option, plugin_option
from avprompt.cli.tables import screen
from avprompt.plugin.discovery import Loaded, load_plugins
from avprompt.registry import KINDS

COLOURS = {"kept": "green", "broken": "red", "not checked": "yellow"}


@click.group(invoke_without_command=True)
@json_option
@plugin_option
@click.pass_context
def plugins(context: click.Context, as_json: bool, plugins: tuple[str, ...]) -> None:
    """List the plugins, what each registers, and which could not be loaded; begin and check your own."""
    context.obj = plugins
    if context.invoked_subcommand is None:
        loaded = load_plugins(plugins)
        if as_json:
            click.echo(json.dumps([*_told(loaded)], indent=2))
        else:
            _print(loaded)


@plugins.command()
@click.argument("name")
@click.option("--kind", required=True, type=click.Choice([*KINDS]), help="What kind of part it registers.")
@output_option
@click.pass_obj
def new(above: tuple[str, ...], name: str, kind: str, output: Path | None) -> None:
    """Write a package with a small working part NAME: pyproject.toml, module, test and README."""
    from avprompt.plugin.scaffold import write_package

    folder = write_package(load_plugins(above).registry, name, kind, output)
    click.echo(f"{folder}: a package that registers the {KINDS[kind]} '{name}'.\nIts README.md says how on.")


@plugins.command()
@click.argument("name", metavar="NAME_OR_FILE")
@plugin_option
@click.pass_obj
def check(above: tuple[str, ...], name: str, plugins: tuple[str, ...]) -> None:
    """Check every part that a plugin registers against the promises of its kind.

    NAME_OR_FILE is a plugin as `avprompt plugins` names it, a plugin file (.py), or one part as KIND/NAME,
    such as prompts/nudged. Parts are built with their default options, trained ones on stand-in encoders.
    Exit status 1 when a promise is broken.
    """
    from avprompt.testing.report import check_plugin

    table = Table("Part", "Promises", "Why", title=f"Promises of {name}", title_justify="left")
    broken = False
    for report in check_plugin(name, (*above, *plugins)):
        broken |= report.verdict == "broken"
        verdict = f"[{COLOURS[report.verdict]}]{report.verdict}[/]"
        table.add_row(f"{KINDS[report.entry.kind]} {report.entry.name}", verdict, escape(report.reason))
    screen().print(table)
    if broken:
        click.get_current_context().exit(1)


def _told(loaded: Loaded) -> Iterator[dict[str, Any]]:
    """Yield what is known of each plugin, ready for JSON."""
    for plugin in loaded.plugins:
        entries = [] if plugin.failure else loaded.registry.entries(plugin.name)
        parts = [{"kind": entry.kind, "name": entry.name} for entry in entries]
        about = {"name": plugin.name, "version": plugin.version, "source": plugin.source}
        yield about | {"failure": plugin.failure, "registers": parts}


def _print(loaded: Loaded) -> None:
    table = Table("Plugin", "Version", "Registers", title="Plugins", title_justify="left")
    for plugin in loaded.plugins:
        if plugin.failure:
            reason = f"[red]not loaded:[/red] {escape(plugin.failure)}"
            table.add_row(plugin.name, plugin.version, reason)
            continue
        names = [f"{KINDS[entry.kind]} {entry.name}" for entry in loaded.registry.entries(plugin.name)]
        table.add_row(plugin.name, plugin.version, ", ".join(names))
    screen().print(table)
