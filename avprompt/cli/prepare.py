"""`avprompt data prepare` and `avprompt data shard`: files made of others."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from avprompt.cli.options import plugin_option, root_option
from avprompt.plugin.discovery import load_plugins

if TYPE_CHECKING:
    from avprompt.data.benchmark import BenchmarkAdapter

FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)

workers_option = click.option(
    "--workers",
    type=click.IntRange(1),
    default=lambda: os.cpu_count() or 1,
    show_default="cores",
    metavar="N",
    help="Processes.",
)


@click.command()
@click.argument("name")
@click.option("--videos", type=FOLDER, required=True, metavar="DIR", help="Videos, called by clips' ids.")
@click.option("--data-root", type=FOLDER, required=True, metavar="OUT", help="The data root to fill.")
@click.option("--list", "listed", type=FILE, metavar="FILE", help="Make the clips of this list alone.")
@workers_option
@plugin_option
def prepare(
    name: str, videos: Path, data_root: Path, listed: Path | None, workers: int, plugins: tuple[str, ...]
) -> None:
    """Make the pictures and sounds of NAME from videos, in its official layout.

    A video holds one clip: longer ones are refused, short sound stays short and is told of. What is there
    is kept and every file is written whole, so the same command goes on after an interruption. Exits with
    1 when a video could not be used.
    """
    from avprompt.cli.tables.data import print_missing
    from avprompt.data.lists import read_list
    from avprompt.data.tools.prepare import plan, short_sounds
    from avprompt.data.tools.prepare import prepare as prepare_clips
    from avprompt.runs.progress import Progress

    benchmark: type[BenchmarkAdapter] = load_plugins(plugins).registry.load("datasets", name)
    ids = {benchmark.spell(name) for clip in read_list(listed).clips for name in clip.ids} if listed else None
    work = plan(benchmark, videos, data_root, ids)
    unusable = [*work.second_videos, *prepare_clips(work, workers, Progress().counting)]
    done = sum(job.done for job in work.jobs)
    click.echo(f"{done:,} of {len(work.jobs):,} clips are in {data_root}.")
    if work.without_video:
        click.echo(f"{len(work.without_video):,} clips of {listed} have no video in {videos}.")
    if short := short_sounds(work.jobs):
        print_missing("Clips whose sound is short, as it is in their videos", short)
    if unusable:
        print_missing("Videos that could not be used", unusable)
    click.get_current_context().exit(1 if unusable else 0)


@click.command()
@click.argument("name")
@root_option
@click.option("--output", type=FOLDER, required=True, metavar="DIR", help="Where to write.")
@click.option("--split", metavar="NAME", help="What to pack; the training split without it.")
@click.option(
    "--per-shard", type=click.IntRange(1), default=1000, show_default=True, metavar="N", help="Clips a file."
)
@workers_option
@plugin_option
def shard(
    name: str,
    data_root: Path | None,
    output: Path,
    split: str | None,
    per_shard: int,
    workers: int,
    plugins: tuple[str, ...],
) -> None:
    """Pack the training clips of NAME into WebDataset tars with an index, for training with --shards DIR.

    What is there is kept and every file is written whole, so the same command goes on after an
    interruption. Exits with 1 when a clip could not be packed.
    """
    from avprompt.cli.tables.data import print_missing
    from avprompt.data.tools.pack import write_shards
    from avprompt.runs.progress import Progress

    adapter: BenchmarkAdapter = load_plugins(plugins).registry.load("datasets", name)(data_root)
    split = split or adapter.train_split
    packed = write_shards(
        adapter.split(split),
        output,
        name,
        split,
        per_shard=per_shard,
        workers=workers,
        counting=Progress().counting,
    )
    click.echo(f"{len(packed.samples):,} of {packed.expected:,} clips of '{split}' are in {output}.")
    for note in adapter.notes:
        click.echo(f"Note: {note}")
    if packed.missing:
        print_missing("Clips that could not be packed", packed.missing)
    click.get_current_context().exit(1 if packed.missing else 0)
