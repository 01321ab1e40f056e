"""What the samples of a split are like: which classes a scene shows, which of them sound, and how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from avprompt_benchmarks.toy.classes import CLASSES, NAMES, SHAPES, TEXTURES, kind_of, shape_of, texture_of

_MOST = 4
"""Objects of a scene."""


@dataclass(frozen=True)
class Plan:
    """What the samples of a split are like.

    Attributes:
        count: how many there are.
        kinds: the classes that may sound.
        sources: how many objects of a scene sound, each number in turn; 0 makes negatives.
        training: samples carry no truth, and are kept once they are drawn.
        vague: sounds tell the shape alone, their rhythm is drawn; no two objects of a scene share a shape,
            and the shape is the label. For scenes of one source.
        twins: each silent object shares the source's shape or its texture. For scenes of one source.
        parts: truths have a mask for each source too, and labels a name.
    """

    count: int
    kinds: tuple[int, ...] = CLASSES
    sources: tuple[int, ...] = (1,)
    training: bool = False
    vague: bool = False
    twins: bool = False
    parts: bool = False

    def sounding(self, index: int) -> int:
        """Return how many objects sound in the sample at `index`."""
        return self.sources[index % len(self.sources)]

    def draw_kinds(self, rng: np.random.Generator, index: int) -> list[int]:
        """Draw the classes of a scene, those that sound first; at least one object is silent."""
        count = self.sounding(index)
        sounding = rng.choice(self.kinds, count, replace=False).tolist()
        others = rng.permutation(self._silent(sounding)).tolist()
        visible = rng.integers(max(2, count + 1), _MOST + 1)
        kinds = sounding + others
        return (_of_different_shapes(kinds) if self.vague else kinds)[:visible]

    def draw_unseen(self, rng: np.random.Generator, kinds: Sequence[int]) -> int:
        """Draw a class that sounds like none of these."""
        seen = set(map(self._audible, kinds))
        return int(rng.choice([kind for kind in CLASSES if self._audible(kind) not in seen]))

    def draw_voice(self, rng: np.random.Generator, kind: int) -> int:
        """Return the class as which an object sounds: its own, or where sounds are vague any of its shape."""
        return kind_of(shape_of(kind), int(rng.integers(len(TEXTURES)))) if self.vague else kind

    def name(self, kind: int) -> str:
        """Return what a sound tells of a class, such as "striped circle"."""
        return SHAPES[shape_of(kind)] if self.vague else NAMES[kind]

    def _silent(self, sounding: Sequence[int]) -> list[int]:
        """Return the classes that may be silent beside those that sound."""
        others = [kind for kind in CLASSES if kind not in sounding]
        return [kind for kind in others if _alike(kind, sounding[0])] if self.twins else others

    def _audible(self, kind: int) -> int:
        """Return what a sound tells of a class."""
        return shape_of(kind) if self.vague else kind


def _alike(kind: int, other: int) -> bool:
    return shape_of(kind) == shape_of(other) or texture_of(kind) == texture_of(other)


def _of_different_shapes(kinds: Sequence[int]) -> list[int]:
    """Keep the first class of each shape."""
    first: dict[int, int] = {}
    for kind in kinds:
        first.setdefault(shape_of(kind), kind)
    return list(first.values())
