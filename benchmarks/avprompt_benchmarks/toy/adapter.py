"""The benchmark `toy`: procedural scenes in which one object sounds and the others are silent."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from avprompt.plugin import BenchmarkAdapter, DataError, Split, suggest
from avprompt_benchmarks.toy.classes import HEARD, UNHEARD
from avprompt_benchmarks.toy.plan import Plan
from avprompt_benchmarks.toy.samples import ToySamples
from avprompt_benchmarks.toy.sound import SECONDS

PLANS = {
    "train": Plan(2000, training=True),
    "validation": Plan(200),
    "test": Plan(500),
    "train-heard": Plan(1500, HEARD, training=True),
    "heard": Plan(300, HEARD),
    "unheard": Plan(300, UNHEARD),
    "multi-source": Plan(300, sources=(2,)),
    "negatives": Plan(300, sources=(0,)),
}


class Toy(BenchmarkAdapter):
    """24 classes of objects, made on the fly: a shape is heard as timbre, its texture as rhythm.

    Every scene has one to three objects of other classes that make no sound, so that only a model that
    listens can score.
    """

    title = "Toy world"
    citation = "Part of avprompt; no paper."
    licence = "Apache-2.0, as the code that draws it"
    source = "Made on the fly; needs no files."
    encoders = "mini"
    audio_seconds = SECONDS
    size = 96
    plans: ClassVar[Mapping[str, Plan]] = PLANS
    validation_split = "validation"
    protocols: ClassVar[tuple[str, ...]] = ("val-threshold", "acl-sweep", "ezvsl-median")
    needs_root = False

    def __init__(self, root: Path | None = None, seed: int = 0) -> None:
        super().__init__(root)
        self.seed = seed

    def split(self, name: str) -> Split:
        """Return a split whose samples are drawn when they are asked for.

        Raises:
            DataError: no such split.
        """
        if name not in self.plans:
            raise DataError(f"{self.title} has no split '{name}'. {suggest(name, self.plans)}")
        return Split(ToySamples(self.seed, name, self.plans[name]), expected=self.plans[name].count)


class ToyOpenSet(Toy):
    """Trained on the sounds of half of the classes, scored on those and on the other half.

    Every shape and every texture is heard in training, their combination in the unheard half is not. All
    classes are seen in training, the unheard ones as silent objects.
    """

    title = "Toy world, open set"
    train_split = "train-heard"
    test_splits = ("heard", "unheard")
