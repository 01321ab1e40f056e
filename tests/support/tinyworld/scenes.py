"""Scenes: a square that sounds and a square that does not, on grey."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from avprompt.plugin import Audio, Distractor, GroundTruth, Sample

CLASSES = ("red", "green", "blue", "yellow", "cyan", "magenta")
COLOURS = np.array([(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (0, 1, 1), (1, 0, 1)], dtype=np.float32)

SIDE, OBJECT, PATCH = 32, 12, 4
RATE, SECONDS, FRAME = 1600, 0.1, 40


def sound(kind: int) -> Audio:
    """A tone with `kind + 1` periods in every frame."""
    time = np.arange(round(RATE * SECONDS)) / FRAME
    return Audio(0.5 * np.sin(2 * np.pi * (kind + 1) * time).astype(np.float32), RATE)


@dataclass(frozen=True)
class Square:
    """A square of one class; its corner lies on the grid of patches."""

    kind: int
    top: int
    left: int

    def mask(self) -> np.ndarray:
        mask = np.zeros((SIDE, SIDE), dtype=bool)
        mask[self.top : self.top + OBJECT, self.left : self.left + OBJECT] = True
        return mask


def scene(split: str, index: int) -> Sample:
    """The sample at `index` of a split: class `index % 6` sounds, another is silent."""
    random = np.random.default_rng([zlib.crc32(split.encode()), index])
    kinds = (index % 6, (index + random.integers(1, 6)) % 6)
    quarters = random.permutation(4)[:2]
    loud, silent = (
        Square(int(kind), 16 * (place // 2) + shift, 16 * (place % 2) + shift)
        for kind, place, shift in zip(kinds, quarters, PATCH * random.integers(0, 2, 2), strict=True)
    )
    image = np.full((SIDE, SIDE, 3), 128, dtype=np.uint8)
    for square in (loud, silent):
        image[square.mask()] = 255 * COLOURS[square.kind]
    truth = GroundTruth(loud.mask().astype(np.float32), silent.mask()[None])
    return Sample(
        f"{split}-{index}",
        image,
        sound(loud.kind),
        truth,
        CLASSES[loud.kind],
        Distractor(sound(silent.kind), silent.mask()),
    )
