"""The samples of the toy benchmark, drawn when they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import overload

import numpy as np

from avprompt.plugin import Audio, Distractor, GroundTruth, Sample
from avprompt_benchmarks.toy.plan import Plan
from avprompt_benchmarks.toy.scene import Scene, draw_scene
from avprompt_benchmarks.toy.seeds import generator
from avprompt_benchmarks.toy.sound import LENGTH, RATE, make_noise, make_sound, mix_sounds

NEGATIVES = ("silence", "noise", "off-screen")


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
        first_silent = self.plan.sounding(index)
        silent = range(first_silent, len(scene.things))
        return Sample(
            id=self._id(index),
            image=scene.image,
            audio=Audio(self._sound(rng, scene, index), RATE),
            truth=self._truth(scene, range(first_silent), silent),
            label=self._label(scene, index),
            labels=tuple(map(self.plan.name, scene.kinds[:first_silent])) if self.plan.parts else (),
            distractor=Distractor(
                self._sound_of(rng, scene.things[first_silent].kind), scene.mask(first_silent)
            ),
            off_screen=self._sound_of(rng, self.plan.draw_unseen(rng, scene.kinds)),
        )

    def _truth(self, scene: Scene, sounding: range, silent: range) -> GroundTruth:
        mask = scene.mask(*sounding).astype(np.float32)
        others = np.stack([scene.mask(i) for i in silent])
        if not self.plan.parts:
            return GroundTruth(mask, others)
        return GroundTruth(mask, others, len(sounding), np.stack([scene.mask(i) for i in sounding]))

    def _id(self, index: int) -> str:
        return f"{self.split}-{index:04d}"

    def _draw(self, index: int) -> tuple[np.random.Generator, Scene]:
        """Draw a scene whose first objects sound, and return the generator that its sounds come from."""
        rng, sounds = generator(self.seed, self.split, index).spawn(2)
        return sounds, draw_scene(rng, self.plan.draw_kinds(rng, index))

    def _sound(self, rng: np.random.Generator, scene: Scene, index: int) -> np.ndarray:
        """Make the sound that goes with the picture, (T,) float32."""
        sources = scene.kinds[: self.plan.sounding(index)]
        if sources:
            return mix_sounds(rng, [self.plan.draw_voice(rng, kind) for kind in sources])
        negative = NEGATIVES[index % len(NEGATIVES)]
        if negative == "off-screen":
            return self._sound_of(rng, self.plan.draw_unseen(rng, scene.kinds)).samples
        return make_noise(rng) if negative == "noise" else np.zeros(LENGTH, dtype=np.float32)

    def _sound_of(self, rng: np.random.Generator, kind: int) -> Audio:
        """Make the sound of one object."""
        return Audio(make_sound(rng, self.plan.draw_voice(rng, kind)), RATE)

    def _label(self, scene: Scene, index: int) -> str:
        sources = scene.kinds[: self.plan.sounding(index)]
        return " and ".join(map(self.plan.name, sources)) or NEGATIVES[index % len(NEGATIVES)]
