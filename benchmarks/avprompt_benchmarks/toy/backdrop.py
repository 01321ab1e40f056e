"""Cluttered backgrounds of scenes: a named ground with small muted litter on it."""

# NumPy's functions are typed as Any.
# mypy: disable-error-code="no-any-return"
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SIDE = 96
GROUNDS = ("sky", "fog", "sand", "grass")

_KNOTS = 6
_POSITIONS = np.linspace(0, _KNOTS - 1, SIDE, dtype=np.float32)
_BLEND = np.maximum(0, 1 - abs(_POSITIONS[:, None] - np.arange(_KNOTS))).astype(np.float32)  # (SIDE, knots)


def draw_backdrop(rng: np.random.Generator, ground: int) -> NDArray[np.float32]:
    """Return a background (96, 96, 3), float32 in 0..255, of one of the `GROUNDS`."""
    top, bottom = rng.uniform(50, 200, (2, 1, 1, 3)).astype(np.float32)
    slope = np.linspace(0, 1, SIDE, dtype=np.float32)[:, None, None]
    canvas = np.broadcast_to(top + (bottom - top) * slope, (SIDE, SIDE, 3)).copy()
    if ground == GROUNDS.index("fog"):
        canvas += _blotches(rng)
    elif ground == GROUNDS.index("sand"):
        canvas += rng.random((SIDE, SIDE, 1), dtype=np.float32) * 60 - 30
    elif ground == GROUNDS.index("grass"):
        _draw_blades(rng, canvas)
    _scatter_litter(rng, canvas)
    return canvas


def _blotches(rng: np.random.Generator) -> NDArray[np.float32]:
    """Smooth random shades: bilinear interpolation of a coarse grid of noise."""
    knots = rng.normal(0, 40, (_KNOTS, _KNOTS)).astype(np.float32)
    return (_BLEND @ knots @ _BLEND.T)[..., None]


def _draw_blades(rng: np.random.Generator, canvas: NDArray[np.float32]) -> None:
    """Short upright lines, one or two pixels wide."""
    shades, feet, heights = rng.uniform(-60, 60, 40), rng.integers(0, SIDE, (40, 2)), rng.integers(6, 16, 40)
    for (x, y), height, shade in zip(feet, heights, shades, strict=True):
        canvas[y : y + height, x : x + 2] += np.float32(shade)


def _scatter_litter(rng: np.random.Generator, canvas: NDArray[np.float32]) -> None:
    """Small rectangles of muted colours, far smaller than any object."""
    count = int(rng.integers(6, 15))
    colours = rng.uniform(40, 215, (count, 3)).astype(np.float32)
    sizes, corners = rng.integers(2, 9, (count, 2)), rng.integers(0, SIDE, (count, 2))
    for (x, y), (width, height), colour in zip(corners, sizes, colours, strict=True):
        canvas[y : y + height, x : x + width] = colour
