"""`avprompt cache`: features of frozen encoders on disk: what there is, removing it, making it ahead."""

from __future__ import annotations

import json
from dataclasses import asdict
from itertools import chain
from typing import TYPE_CHECKING, Any

import click

from avprompt.cli.options import (
    CACHED,
    batch_size_option,
    cache_size_option,
    dataset_option,
    given_options,
    method_options,
    root_option,
    shards_option,
    train_list_option,
    workers_option,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from avprompt.records import Split
    from avprompt.runs.session import Session


@click.group()
def cache() -> None:
    """Features of frozen encoders, kept in $AVPROMPT_HOME/features: info, clear, build.

    \b
    avprompt run souple --cache audio       no sound is encoded, or even decoded, twice
    avprompt cache info                     what is there, of which encoder
    avprompt cache build souple --dataset vggss --data-root DIR

    Sounds are found by content, encoder, weights and precision, so nothing there is ever out of date. BEATs
    makes 2.3 MB of ten seconds: 50 GB hold 21,000 clips, all of VGGSound-144k takes 330 GB. What does not fit
    is encoded every time.
    """  # noqa: D301 - click takes the backspace for "leave these lines alone"


@cache.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def info(as_json: bool) -> None:
    """Say what is kept, by encoder: entries and bytes."""
    from avprompt.features.encoding import features_folder
    from avprompt.features.store import FeatureStore

    usages = FeatureStore(features_folder(), 0).usage()
    if as_json:
        click.echo(json.dumps([asdict(usage) for usage in usages], indent=2))
        return
    from avprompt.cli.tables.features import print_usage

    print_usage(usages, features_folder())


@cache.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
def clear(yes: bool) -> None:
    """Remove all features; they are made again when they are needed."""
    from rich.filesize import decimal

    from avprompt.features.encoding import features_folder
    from avprompt.features.store import FeatureStore

    store = FeatureStore(features_folder(), 0)
    usages = store.usage()
    entries, size = sum(usage.entries for usage in usages), sum(usage.size for usage in usages)
    what = f"{entries:,} features, {decimal(size)}"
    if not yes:
        click.confirm(f"Remove {what}, in {store.folder}?", abort=True)
    store.clear()
    click.echo(f"Removed {what}.")


@cache.command()
@click.argument("method")
@dataset_option
@root_option
@click.option("--split", "splits", multiple=True, metavar="NAME", help="Only this split; may be repeated.")
@train_list_option
@shards_option
@method_options
@batch_size_option
@workers_option
@click.option("--cache", type=CACHED, default="audio", show_default=True, help="What to encode.")
@cache_size_option
def build(method: str, cache: str, **_: Any) -> None:
    """Encode the sounds of the training and test splits for METHOD ahead, or what is not there of them yet.

    With --cache all, or images, the images too; those of the training split only where they are not cut
    out at random (`--set training.crop=1`). Processes that a launcher starts share the work.
    """
    from avprompt.cli.tables.features import print_encoded
    from avprompt.data.loader import worker_count
    from avprompt.data.streaming import is_stream
    from avprompt.errors import ConfigError
    from avprompt.plugin.discovery import load_plugins
    from avprompt.runs.encode_ahead import SplitEncoder
    from avprompt.runs.session import open_session
    from avprompt.runs.settings import Settings

    settings = Settings.of(given_options() | {"cache": cache})
    shards = settings.training.shards
    if shards and is_stream(shards):
        raise ConfigError("A stream cannot be encoded ahead; --cache keeps its clips as they come.")
    session = open_session(load_plugins(settings.plugins), method, settings)
    training, ranks = session.method_config.training, session.ranks
    workers = worker_count(training.workers, session.accelerator.device, ranks)
    precision = session.accelerator.autocast
    encoder = SplitEncoder(session.encoding, session.spec, training, ranks, workers, precision)
    missing = {}
    for name, split in _splits(session):
        scored = name in (session.adapter.validation_split, *session.adapter.test_splits)
        with _counting(ranks.main)(f"encode {name}", encoder.share(split.samples)) as advance:
            unread = encoder.encode(split.samples, advance, training=not scored)
        missing[name] = [*split.missing, *chain.from_iterable(ranks.objects(unread))]
    if ranks.main:
        print_encoded(session.encoding.stored, settings.compute.cache_size, missing)


def _splits(session: Session) -> Iterator[tuple[str, Split]]:
    """Yield the splits that the user names, or the one to train on and all that is scored."""
    names = session.settings.evaluation.splits
    if not names:
        adapter = session.adapter
        yield "train", session.training_split()
        names = (*filter(None, [adapter.validation_split]), *adapter.test_splits)
    for name in names:
        yield name, session.adapter.split(name)


def _counting(shown: bool) -> Any:
    from avprompt.data.tools.parallel import quietly
    from avprompt.runs.progress import Progress

    return Progress().counting if shown else quietly
