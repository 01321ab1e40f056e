"""Names of the classes that a fine-tuned BEATs predicts.

`audioset.csv` is AudioSet's class_labels_indices.csv, mids and display names (https://research.google.com/audioset,
Google, CC BY 4.0), in AudioSet's order. Checkpoints number the classes in an order of their own.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

MACHINE_IDS = ("/m/", "/t/", "/g/")


@cache
def audioset_names() -> dict[str, str]:
    """Return the display name of each of AudioSet's 527 classes by its mid, such as /m/09x0r: Speech."""
    text = (files("avprompt_beats") / "audioset.csv").read_text(encoding="utf-8")
    return {row["mid"]: row["display_name"] for row in csv.DictReader(text.splitlines())}


def class_names(classes: Iterable[str]) -> tuple[str, ...]:
    """Return what people call classes: AudioSet's name of a mid; what is no mid is a name already.

    With a mid that AudioSet has no name for there are no names at all: a wrong word is worse than none.
    """
    names = tuple(audioset_names().get(name, name) for name in classes)
    return () if any(name.startswith(MACHINE_IDS) for name in names) else names
