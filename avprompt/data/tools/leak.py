"""Clips of one list inside another, however either spells them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from avprompt.data.tools.lists import IdList, Row
from avprompt.registry import Registry

Spell = Callable[[str], str]


@dataclass(frozen=True)
class Leak:
    """What a training list shares with a test list.

    Attributes:
        train: rows of the training list that name test clips.
        clean: all its other rows.
        test: how many clips of the test list are among `train`.
        of: how many clips the test list names.
    """

    train: tuple[Row, ...]
    clean: tuple[Row, ...]
    test: int
    of: int


def find_leak(train: IdList, test: IdList, spell: Spell) -> Leak:
    """Look for the clips of a test list in a training list.

    Args:
        train: the training list.
        test: the test list.
        spell: brings the spellings of an id to one.
    """
    tested = {spell(name) for row in test.rows for name in row.ids}
    named = [({spell(name) for name in row.ids} & tested, row) for row in train.rows]
    return Leak(
        train=tuple(row for shared, row in named if shared),
        clean=tuple(row for shared, row in named if not shared),
        test=len(set().union(*(shared for shared, _ in named))),
        of=len(tested),
    )


def speller(registry: Registry) -> Spell:
    """Return the spelling of all registered benchmarks: each brings its own ids to one spelling."""
    spells = {registry.load("datasets", name).spell: None for name in registry.names("datasets")}

    def spell(name: str) -> str:
        for one in spells:
            name = one(name)
        return name

    return spell
