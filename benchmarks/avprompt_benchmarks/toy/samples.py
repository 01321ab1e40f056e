"""The samples of the toy benchmark, drawn when they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import overload

import numpy as np

from avprompt.plugin import Audio, Distractor, GroundTruth, Sample
from avprompt_benchmarks.toy.classes import CLASSES, NAMES
from avprompt_benchmarks.toy.scene import Scene, draw_scene
from avprompt_benchmarks.toy.seeds import generator
from avprompt_benchmarks.toy.sound import LENGTH, RATE, make_noise, make_sound, mix_sounds

NEGATIVES = ("silence", "noise", "off-screen")


@dataclass(frozen=True)
class Plan:
    """What the samples of a split are like.

    Attributes:
        count: how many there are.
        kinds: the classes that may sound.
        sources: how many objects of a scene sound; 0 makes negatives, of each of `NEGATIVES` in turn.
        training: samples carry no truth, and are kept once they are drawn.
    """

    count: int
    kinds: tuple[int, ...] = CLASSES
    sources: int = 1
    training: bool = False


@dataclass
class ToySamples(Sequence[Sample]):
    """The samples of one split; the same seed, split and index give the same sample."""

    seed: int
    split: str
    plan: Plan
    _kept: dict[int, tuple[np.ndarray, np.ndarray, str]] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return self.plan.count

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> list[Sample]: ...
    def __getitem__(self, index: int | slice) -> Sample | list[Sample]:
        """Draw one sample, or those of a slice."""
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(f"split '{self.split}' of toy has {len(self)} samples, no number {index}")
        index %= len(self)
        return self._training_sample(index) if self.plan.training else self._test_sample(index)

    def _training_sample(self, index: int) -> Sample:
        """Give picture and sound alone, kept as bytes and 16-bit integers after the first time."""
        if index not in self._kept:
            rng, scene = self._draw(index)
            sound = np.round(self._sound(rng, scene, index) * 32767).astype(np.int16)
            self._kept[index] = scene.image, sound, self._label(scene, index)
        image, sound, label = self._kept[index]
        return Sample(self._id(index), image, Audio(sound.astype(np.float32) / 32767, RATE), label=label)

    def _test_sample(self, index: int) -> Sample:
        rng, scene = self._draw(index)
        sounding = range(self.plan.sources)
        silent = range(self.plan.sources, len(scene.things))
        return Sample(
            id=self._id(index),
            image=scene.image,
            audio=Audio(self._sound(rng, scene, index), RATE),
            truth=GroundTruth(
                scene.mask(*sounding).astype(np.float32), np.stack([scene.mask(i) for i in silent])
            ),
            label=self._label(scene, index),
            distractor=Distractor(
                Audio(make_sound(rng, scene.things[silent[0]].kind), RATE), scene.mask(silent[0])
            ),
            off_screen=Audio(make_sound(rng, _unseen(rng, scene)), RATE),
        )

    def _id(self, index: int) -> str:
        return f"{self.split}-{index:04d}"

    def _draw(self, index: int) -> tuple[np.random.Generator, Scene]:
        """Draw a scene whose first objects sound, and return the generator that its sounds come from."""
        rng, sounds = generator(self.seed, self.split, index).spawn(2)
        sounding = rng.choice(self.plan.kinds, self.plan.sources, replace=False).tolist()
        others = rng.permutation([kind for kind in CLASSES if kind not in sounding]).tolist()
        visible = rng.integers(max(2, self.plan.sources + 1), 5)  # at least one object is silent
        return sounds, draw_scene(rng, (sounding + others)[:visible])

    def _sound(self, rng: np.random.Generator, scene: Scene, index: int) -> np.ndarray:
        """Make the sound that goes with the picture, (T,) float32."""
        if self.plan.sources:
            return mix_sounds(rng, [thing.kind for thing in scene.things[: self.plan.sources]])
        negative = NEGATIVES[index % len(NEGATIVES)]
        if negative == "off-screen":
            return make_sound(rng, _unseen(rng, scene))
        return make_noise(rng) if negative == "noise" else np.zeros(LENGTH, dtype=np.float32)

    def _label(self, scene: Scene, index: int) -> str:
        if not self.plan.sources:
            return NEGATIVES[index % len(NEGATIVES)]
        return " and ".join(NAMES[thing.kind] for thing in scene.things[: self.plan.sources])


def _unseen(rng: np.random.Generator, scene: Scene) -> int:
    """Choose a class that is not in the picture."""
    seen = {thing.kind for thing in scene.things}
    return int(rng.choice([kind for kind in CLASSES if kind not in seen]))
