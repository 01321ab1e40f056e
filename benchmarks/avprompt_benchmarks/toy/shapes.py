"""Outlines and textures of objects, as functions of coordinates in the object's own frame.

Shapes have about the same area at the same radius, so no class is larger than another.
"""

# NumPy's functions are typed as Any.
# mypy: disable-error-code="no-any-return"
from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Coordinates = NDArray[np.float32]
Inside = NDArray[np.bool_]
Region = Callable[[Coordinates, Coordinates], Inside]

EXTENT = 1.45  # no shape reaches further than this many radii from its centre


def _half_planes(u: Coordinates, v: Coordinates, sides: int, distance: float) -> NDArray[np.intp]:
    """Count of how many of `sides` half-planes around the centre each point lies in."""
    angles = 2 * np.pi * np.arange(sides) / sides
    normals = np.cos(angles)[:, None, None] * u + np.sin(angles)[:, None, None] * v  # (sides, H, W)
    return np.count_nonzero(normals <= distance, axis=0)


def _circle(u: Coordinates, v: Coordinates) -> Inside:
    return u * u + v * v <= 1


def _square(u: Coordinates, v: Coordinates) -> Inside:
    return np.maximum(abs(u), abs(v)) <= 0.9


def _triangle(u: Coordinates, v: Coordinates) -> Inside:
    return _half_planes(u, v, 3, 0.72) == 3


def _star(u: Coordinates, v: Coordinates) -> Inside:
    """A pentagram is where at least four of the five half-planes of its inner pentagon meet."""
    return _half_planes(u, v, 5, 0.448) >= 4


def _cross(u: Coordinates, v: Coordinates) -> Inside:
    return (np.maximum(abs(u), abs(v)) <= 1.15) & (np.minimum(abs(u), abs(v)) <= 0.42)


def _ring(u: Coordinates, v: Coordinates) -> Inside:
    square = u * u + v * v
    return (square <= 1.21) & (square >= 0.25)


def _plain(x: Coordinates, y: Coordinates) -> Inside:
    return np.zeros(np.broadcast_shapes(x.shape, y.shape), dtype=bool)


def _striped(x: Coordinates, y: Coordinates) -> Inside:
    return x % 1 < 0.5


def _dotted(x: Coordinates, y: Coordinates) -> Inside:
    return (x % 1 - 0.5) ** 2 + (y % 1 - 0.5) ** 2 < 0.1


def _checkered(x: Coordinates, y: Coordinates) -> Inside:
    return (x % 1 < 0.5) ^ (y % 1 < 0.5)


OUTLINES: tuple[Region, ...] = (_circle, _square, _triangle, _star, _cross, _ring)
INKS: tuple[Region, ...] = (_plain, _striped, _dotted, _checkered)
