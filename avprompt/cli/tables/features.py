"""What the feature store holds, on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.filesize import decimal
from rich.table import Table

from avprompt.cli.tables import screen
from avprompt.cli.tables.data import print_missing
from avprompt.features.keys import EncoderFeatures, StoredFeatures
from avprompt.features.store import DiskUsage
from avprompt.records import Missing

FULL = 0.98
"""The part of its limit from which a store counts as full: what remains holds no more entries."""


def print_usage(usages: Sequence[DiskUsage], folder: Path) -> None:
    """Print a table of what is kept, one line for each encoder."""
    console = screen()
    if not usages:
        console.print(f"No features are kept in {folder}.", highlight=False)
        return
    table = Table(title=f"Features in {folder}", title_justify="left")
    for heading in ("kind", "entries", "size"):
        table.add_column(heading, justify="left" if heading == "kind" else "right", no_wrap=True)
    table.add_column("encoder", overflow="fold")
    for usage in usages:
        encoder = f"{usage.about}\n[dim]{usage.fingerprint}"
        table.add_row(usage.kind, f"{usage.entries:,}", decimal(usage.size), encoder)
    console.print(table)


def print_encoded(stored: StoredFeatures, limit: float, missing: Mapping[str, Sequence[Missing]]) -> None:
    """Print what is kept after encoding ahead.

    Args:
        stored: the features that were completed.
        limit: of all features, gigabytes.
        missing: samples that could not be encoded, by split.
    """
    completed = [features for features in (stored.audio, stored.images) if features is not None]
    store = completed[0].store
    usages = store.usage()
    print_usage([usage for usage in usages if _is_of(usage, completed)], store.folder)
    if sum(usage.size for usage in usages) > FULL * limit * 1e9:
        screen().print(
            f"The limit of {limit:g} GB is reached: what is not there is encoded whenever it is needed. "
            "Choose a larger --cache-size to keep more."
        )
    for name, samples in missing.items():
        if samples:
            print_missing(f"Samples of {name} that cannot be used", samples)


def _is_of(usage: DiskUsage, encoders: Sequence[EncoderFeatures]) -> bool:
    return any((usage.kind, usage.fingerprint) == (encoder.kind, encoder.fingerprint) for encoder in encoders)
