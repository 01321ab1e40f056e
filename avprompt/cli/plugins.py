"""`avprompt plugins`: which plugins there are, a new one as a package, and what one keeps of its promises."""

from __future__ import annotations

from pathlib import Path

import click
from rich.markup import escape
from rich.table import Table

from avprompt.cli.options import output_option, plugin_option
from avprompt.cli.tables import screen
from avprompt.plugin.discovery import load_plugins
from avprompt.registry import KINDS

COLOURS = {"kept": "green", "broken": "red", "not checked": "yellow"}


@click.group(invoke_without_command=True)
@plugin_option
@click.pass_context
def plugins(context: click.Context, plugins: tuple[str, ...]) -> None:
    """List the plugins, what each registers, and which could not be loaded; begin and check your own."""
    context.obj = plugins
    if context.invoked_subcommand is None:
        _list(plugins)


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


def _list(files: tuple[str, ...]) -> None:
    loaded = load_plugins(files)
    table = Table("Plugin", "Version", "Registers", title="Plugins", title_justify="left")
    for plugin in loaded.plugins:
        if plugin.failure:
            reason = f"[red]not loaded:[/red] {escape(plugin.failure)}"
            table.add_row(plugin.name, plugin.version, reason)
            continue
        names = [f"{KINDS[entry.kind]} {entry.name}" for entry in loaded.registry.entries(plugin.name)]
        table.add_row(plugin.name, plugin.version, ", ".join(names))
    screen().print(table)
