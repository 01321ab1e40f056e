"""Worlds that change one thing of `toy`: what a sound tells, what stands beside its source, who sounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from avprompt_benchmarks.toy.adapter import Toy
from avprompt_benchmarks.toy.plan import Plan


def _splits(**changes: Any) -> dict[str, Plan]:
    """Return the splits of a world, all of them with the same changes."""
    return {
        "train": Plan(2000, training=True, **changes),
        "validation": Plan(200, **changes),
        "test": Plan(500, **changes),
    }


class ToyVague(Toy):
    """The sound tells the shape and not the texture: the rhythm is drawn at random, whatever sounds.

    No two objects of a picture share a shape, so the sound still points at one of them, and naming its shape
    finds it. A class name is worth nothing here: a tagger adds a texture that it cannot hear. What the sound
    leaves open the picture has to fill in, as in real data, where barking says "dog" and not which breed is
    to be seen.
    """

    title = "Toy world, vague sounds"
    plans: ClassVar[Mapping[str, Plan]] = _splits(vague=True)


class ToyTwins(Toy):
    """Every silent object shares the source's shape or its texture, and so half of its sound.

    Whoever hears only the timbre, or only the rhythm, marks a silent object as well. Real data has such
    neighbours: a violin beside a cello, or the one of two dogs that does not bark.
    """

    title = "Toy world, twins"
    plans: ClassVar[Mapping[str, Plan]] = _splits(twins=True)


class ToyCrowd(Toy):
    """Two or three objects sound together, and at least one is silent besides.

    It asks for every source of a mixture, as duets (MUSIC-Duet, VGGSound-Duet) and AVSBench MS3 do. In
    training two or three sound as well, never one alone: the number of sources is then all that differs from
    `toy`, and does not differ between training and test.
    """

    title = "Toy world, crowd"
    protocols: ClassVar[tuple[str, ...]] = ("each-source", *Toy.protocols)
    plans: ClassVar[Mapping[str, Plan]] = _splits(sources=(2, 3), parts=True)
