"""`avprompt data`: what data there is, whether it is whole, leaks, and what scores without a model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from avprompt.cli.options import plugin_option, root_option
from avprompt.cli.prepare import FILE, prepare, shard, workers_option
from avprompt.cli.tables import screen
from avprompt.errors import messages
from avprompt.plugin.discovery import load_plugins

if TYPE_CHECKING:
    from avprompt.data.benchmark import BenchmarkAdapter

split_option = click.option(
    "--split", "splits", multiple=True, metavar="NAME", help="Only this split; may be repeated."
)
json_flag = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def data() -> None:
    """Data of benchmarks: list, check, prepare and shard it; find leaks and floors.

    \b
    avprompt data list vggss                       where to get it, and its layout
    avprompt data check vggss --data-root DIR      is everything there, and whole?
    avprompt data floors vggss --data-root DIR     what scores without a model
    """  # noqa: D301 - click takes the backspace for "leave these lines alone"


@data.command(name="list")
@click.argument("names", nargs=-1, metavar="[NAME...]")
@json_flag
@plugin_option
def list_(names: tuple[str, ...], as_json: bool, plugins: tuple[str, ...]) -> None:
    """List the benchmarks; with NAME, where to get it, its layout and its rules."""
    from avprompt.cli.tables.data import print_catalogue, print_description
    from avprompt.data.tools.catalogue import describe

    registry = load_plugins(plugins).registry
    descriptions = [describe(registry, name) for name in names or registry.names("datasets")]
    if as_json:
        click.echo(json.dumps([description.model_dump() for description in descriptions], indent=2))
    elif names:
        for description in descriptions:
            print_description(description)
    else:
        print_catalogue(descriptions)


@data.command()
@click.argument("name")
@root_option
@split_option
@click.option("--json", "json_file", type=FILE, metavar="FILE", help="Write the whole report as JSON too.")
@workers_option
@plugin_option
def check(
    name: str,
    data_root: Path | None,
    splits: tuple[str, ...],
    json_file: Path | None,
    workers: int,
    plugins: tuple[str, ...],
) -> None:
    """Check the data of NAME: missing, unreadable, duplicate, silent, wrong rate or length, broken boxes.

    Finds clipped sounds, pictures of a wrong size and odd truths, too. Looks at the scored splits, or where
    there is no truth at the clips to train on, as --split train does; and at own clips that are only drawn.
    Exits with 1 when anything is wrong or nothing could be read. Broken boxes in an annotation that is
    exactly the official one are counted, not blamed; where sounds may have any length, those that are cut or
    filled up are noted, not blamed.
    """
    from avprompt.cli.tables.data import print_check
    from avprompt.data.tools.check import check as check_data
    from avprompt.files import replacing
    from avprompt.runs.progress import Progress

    report = check_data(_open(name, data_root, plugins), name, splits, workers, Progress().counting)
    print_check(report)
    if json_file:
        with replacing(json_file) as temporary:
            temporary.write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8")
    click.get_current_context().exit(0 if report.ok else 1)


@data.command()
@click.argument("train", type=FILE)
@click.argument("test", type=FILE)
@click.option("--write", "clean_file", type=FILE, metavar="DELEAKED", help="Write TRAIN without what leaks.")
@plugin_option
def leak(train: Path, test: Path, clean_file: Path | None, plugins: tuple[str, ...]) -> None:
    """Look for the clips of the list TEST in the list TRAIN; exit with 1 when there are any.

    Lists are files as published: ids, `id,label` lines, VGGSound's `id,start,label,split`, tables with a
    header, or JSON such as vggss.json. Ids are brought to one spelling; lists that cannot match are refused.
    """
    from avprompt.cli.tables.data import print_leak
    from avprompt.data.lists import read_list
    from avprompt.data.tools.leak import common_spelling, find_leak

    spelling = common_spelling(load_plugins(plugins).registry)
    overlap = find_leak(read_list(train), read_list(test), spelling)
    print_leak(overlap)
    if clean_file:
        overlap.train.write(clean_file, overlap.clean)
        click.echo(f"The other {len(overlap.clean):,} lines are in {clean_file}.")
    click.get_current_context().exit(1 if overlap.leaking else 0)


@data.command()
@click.argument("name")
@root_option
@split_option
@json_flag
@plugin_option
def floors(
    name: str, data_root: Path | None, splits: tuple[str, ...], as_json: bool, plugins: tuple[str, ...]
) -> None:
    """Print what scores on NAME without a model: floors and ceilings. Only the annotation is read."""
    from avprompt.cli.tables.data import bounds_table
    from avprompt.data.tools.catalogue import bounds, headline

    adapter = _open(name, data_root, plugins)
    protocol = headline(load_plugins(plugins).registry, adapter)
    with messages().status("score guesses"):
        by_split = {split: bounds(adapter, split, protocol) for split in splits or adapter.test_splits}
    if as_json:
        click.echo(json.dumps({name: split.model_dump() for name, split in by_split.items()}, indent=2))
    else:
        screen().print(bounds_table(adapter.title, by_split))


for command in (prepare, shard):
    data.add_command(command)


def _open(name: str, root: Path | None, plugins: tuple[str, ...]) -> BenchmarkAdapter:
    adapter: BenchmarkAdapter = load_plugins(plugins).registry.load("datasets", name)(root)
    return adapter
