"""Where the objects of a scene stand: random places that keep most of each object in sight."""

# NumPy's functions are typed as Any.
# mypy: disable-error-code="no-any-return"
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avprompt_benchmarks.toy.backdrop import SIDE

_SMALLEST, _LARGEST, _LARGEST_OF_FOUR = 16, 24, 20
_TRIES = 128


def place(rng: np.random.Generator, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Choose centres (count, 2), row and column in pixels, and radii (count,).

    Draws many layouts at once and takes the first whose objects keep their distance, or the one
    that comes nearest to it.
    """
    radii = rng.uniform(_SMALLEST, _LARGEST_OF_FOUR if count > 3 else _LARGEST, count)
    margin = 0.9 * radii[:, None]
    centres = rng.uniform(margin, SIDE - margin, (_TRIES, count, 2))
    room = _least_room(centres, radii)  # (tries,)
    return centres[np.argmax(np.minimum(room, 1))], radii


def _least_room(centres: NDArray[np.float64], radii: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return for each layout the smallest distance of two objects, in sums of their radii."""
    first, second = np.triu_indices(len(radii), 1)
    if len(first) == 0:
        return np.ones(len(centres))
    distances = np.linalg.norm(centres[:, first] - centres[:, second], axis=-1)
    return (distances / (radii[first] + radii[second])).min(axis=1)
