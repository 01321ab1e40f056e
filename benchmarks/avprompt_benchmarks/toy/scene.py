"""Scenes of the toy world: objects of given classes on a cluttered background, with exact masks."""

# NumPy's functions are typed as Any.
# mypy: disable-error-code="no-any-return"
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avprompt_benchmarks.toy.backdrop import GROUNDS, SIDE, draw_backdrop
from avprompt_benchmarks.toy.classes import shape_of, texture_of
from avprompt_benchmarks.toy.layout import place
from avprompt_benchmarks.toy.shapes import EXTENT, INKS, OUTLINES, Coordinates

COLOURS = {
    "red": (205, 40, 40),
    "orange": (235, 135, 30),
    "yellow": (230, 215, 50),
    "green": (45, 165, 60),
    "blue": (45, 80, 210),
    "purple": (135, 50, 180),
    "pink": (240, 135, 185),
    "white": (240, 240, 240),
}
_PALETTE = np.array(tuple(COLOURS.values()), dtype=np.float32)
_LEAST_VISIBLE = 0.75


@dataclass(frozen=True)
class Thing:
    """One object of a scene: its class, its colour's number in `COLOURS`, its radius in pixels."""

    kind: int
    colour: int
    radius: float


@dataclass(frozen=True)
class Scene:
    """A picture of several objects.

    Attributes:
        image: (96, 96, 3) uint8.
        things: the objects, in the order in which they were asked for.
        labels: (96, 96) uint8; 0 on the background, 1 + i where object i is seen.
        ground: name of the background.
    """

    image: NDArray[np.uint8]
    things: tuple[Thing, ...]
    labels: NDArray[np.uint8]
    ground: str

    @property
    def kinds(self) -> list[int]:
        """The classes of the objects."""
        return [thing.kind for thing in self.things]

    def mask(self, *indices: int) -> NDArray[np.bool_]:
        """Return where any of these objects is seen, (96, 96) bool; nowhere without one."""
        return np.isin(self.labels, [index + 1 for index in indices])


def draw_scene(rng: np.random.Generator, kinds: Sequence[int]) -> Scene:
    """Draw one object of each of 1 to 4 classes; at least three quarters of each are seen.

    Place, size, colour, rotation and which object is in front do not depend on the class or on the
    order of `kinds`.
    """
    while True:
        centres, radii = place(rng, len(kinds))
        colours = rng.integers(0, len(_PALETTE), len(kinds))
        things = tuple(map(Thing, kinds, colours.tolist(), radii.tolist()))
        ground = int(rng.integers(len(GROUNDS)))
        canvas = draw_backdrop(rng, ground)
        labels = np.zeros((SIDE, SIDE), dtype=np.uint8)
        areas = np.zeros(len(things))
        for index in rng.permutation(len(things)):
            areas[index] = _draw_thing(rng, things[index], centres[index], index + 1, canvas, labels)
        seen = np.bincount(labels.ravel(), minlength=len(things) + 1)[1:]
        if np.all(seen >= _LEAST_VISIBLE * areas):
            return Scene(_develop(rng, canvas), things, labels, GROUNDS[ground])


def _draw_thing(
    rng: np.random.Generator,
    thing: Thing,
    centre: NDArray[np.float64],
    label: int,
    canvas: NDArray[np.float32],
    labels: NDArray[np.uint8],
) -> int:
    """Draw one object inside its crop and return how many pixels it would have if nothing hid it."""
    reach = EXTENT * thing.radius + 1
    top, left = np.maximum(0, centre - reach).astype(int)
    bottom, right = np.minimum(SIDE, centre + reach + 1).astype(int)
    y = np.arange(top, bottom, dtype=np.float32)[:, None] - np.float32(centre[0])
    x = np.arange(left, right, dtype=np.float32)[None] - np.float32(centre[1])
    angle = rng.uniform(0, 2 * np.pi)
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    u: Coordinates
    v: Coordinates
    u, v = cos * x + sin * y, cos * y - sin * x  # the object's own frame, pixels
    radius = np.float32(thing.radius)
    inside = OUTLINES[shape_of(thing.kind)](u / radius, v / radius)
    period, shift_u, shift_v = rng.uniform((9, 0, 0), (12, 1, 1)).astype(np.float32)
    inked = INKS[texture_of(thing.kind)](u / period + shift_u, v / period + shift_v)
    paint = _paint(rng, thing.colour)
    canvas[top:bottom, left:right][inside] = paint[inked[inside].astype(np.intp)]
    labels[top:bottom, left:right][inside] = label
    return int(np.count_nonzero(inside))


def _paint(rng: np.random.Generator, colour: int) -> NDArray[np.float32]:
    """Return the colour of the ground and of the ink of a texture, (2, 3): one named, one far darker."""
    base = _PALETTE[colour] + rng.uniform(-20, 20, 3)
    return np.stack([base, base * rng.uniform(0.1, 0.4)]).astype(np.float32)


def _develop(rng: np.random.Generator, canvas: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Add light and grain, and round to bytes."""
    light = np.float32(rng.uniform(0.8, 1.15))
    grain = rng.random(canvas.shape, dtype=np.float32) * 20 - 10
    return np.clip(canvas * light + grain, 0, 255).astype(np.uint8)
