"""Clips that two lists share, however either spells them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile

from avprompt.data.lists import ClipList, ListedClip
from avprompt.errors import DataError
from avprompt.registry import Registry

Spelling = Callable[[str], str]
"""Brings the spellings of an id to one."""


@dataclass(frozen=True)
class Leak:
    """What a training list shares with a test list.

    Attributes:
        train, test: the lists.
        leaking: entries of the training list that name test clips.
        clean: all its other entries.
        leaked_clips: how many clips of the test list the training list names.
        test_clips: how many clips the test list names.
    """

    train: ClipList
    test: ClipList
    leaking: tuple[ListedClip, ...]
    clean: tuple[ListedClip, ...]
    leaked_clips: int
    test_clips: int


def find_leak(train: ClipList, test: ClipList, spelling: Spelling) -> Leak:
    """Look for the clips of a test list in a training list.

    Raises:
        DataError: a list names no clip, or the two name clips in ways that can never match.
    """
    for clips in (train, test):
        if not clips.clips:
            raise DataError(f"'{clips.path}' names no clip.")
    test_ids = {spelling(name) for clip in test.clips for name in clip.ids}
    shared = [({spelling(name) for name in clip.ids} & test_ids, clip) for clip in train.clips]
    leaking = tuple(clip for ids, clip in shared if ids)
    if not leaking and _form(train, spelling) != _form(test, spelling):
        raise DataError(
            f"No clip of '{train.path}' can be one of '{test.path}': they name clips in different ways, "
            f"'{train.clips[0].id}' and '{test.clips[0].id}'. Give lists of the same data set, with an id, "
            "or a video and its start, in the first columns or under a header that names them."
        )
    return Leak(
        train,
        test,
        leaking=leaking,
        clean=tuple(clip for ids, clip in shared if not ids),
        leaked_clips=len(set().union(*(ids for ids, _ in shared))),
        test_clips=len(test_ids),
    )


def common_spelling(registry: Registry) -> Spelling:
    """Return the spelling of all registered benchmarks: each brings its own ids to one spelling."""
    spellings = {registry.load("datasets", name).spell: None for name in registry.names("datasets")}

    def spell(name: str) -> str:
        for spelling in spellings:
            name = spelling(name)
        return name

    return spell


def _form(clips: ClipList, spelling: Spelling) -> tuple[bool, int]:
    """Return how most ids of a list are made: of digits alone or not, and how many numbers end them."""
    names = (spelling(name) for clip in clips.clips for name in clip.ids)
    forms = Counter((name.isdigit(), _numbers_at_end(name)) for name in names)
    return forms.most_common(1)[0][0]


def _numbers_at_end(name: str) -> int:
    return sum(1 for _ in takewhile(str.isdecimal, reversed(name.split("_")[1:])))
