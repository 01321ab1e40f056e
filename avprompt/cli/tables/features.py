"""What the feature caches hold, on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.filesize import decimal
from rich.table import Table

from avprompt.cli.tables.data import print_missing
from avprompt.features.keys import Caches, Features
from avprompt.features.store import Held
from avprompt.records import Missing

FULL = 0.98
"""The part of its limit from which a cache counts as full: what remains holds no more entries."""


def print_features(held: Sequence[Held], folder: Path) -> None:
    """Print a table of what is kept, one line for each encoder."""
    console = Console()
    if not held:
        console.print(f"No features are kept in {folder}.", highlight=False)
        return
    table = Table(title=f"Features in {folder}", title_justify="left")
    for heading in ("kind", "entries", "size"):
        table.add_column(heading, justify="left" if heading == "kind" else "right", no_wrap=True)
    table.add_column("encoder", overflow="fold")
    for one in held:
        table.add_row(one.kind, f"{one.entries:,}", decimal(one.size), f"{one.about}\n[dim]{one.fingerprint}")
    console.print(table)


def print_built(caches: Caches, limit: float, missing: Mapping[str, Sequence[Missing]]) -> None:
    """Print what is there after building.

    Args:
        caches: that were filled.
        limit: of all features, gigabytes.
        missing: samples that could not be encoded, by split.
    """
    kept = [features for features in (caches.audio, caches.images) if features is not None]
    held = kept[0].store.info() if kept else []
    print_features(
        [one for one in held if any(_of(features, one) for features in kept)], kept[0].store.folder
    )
    if sum(one.size for one in held) > FULL * limit * 1e9:
        Console().print(
            f"The limit of {limit:g} GB is reached: what is not there is encoded whenever it is needed. "
            "Choose a larger --cache-size to keep more."
        )
    for name, samples in missing.items():
        if samples:
            print_missing(f"Samples of {name} that cannot be used", samples)


def _of(features: Features, held: Held) -> bool:
    return (features.kind, features.fingerprint) == (held.kind, held.fingerprint)
