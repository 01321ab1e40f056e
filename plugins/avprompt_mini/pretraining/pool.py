"""A pool of toy scenes in memory, drawn by worker processes before training starts."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from avprompt_benchmarks.toy.backdrop import GROUNDS
from avprompt_benchmarks.toy.classes import CLASSES
from avprompt_benchmarks.toy.scene import Scene, draw_scene
from avprompt_benchmarks.toy.seeds import generator

MOST = 4
_CHUNK = 500
_SIZE_BOUNDS = (18.5, 21.5)  # radii where small ends and large begins, pixels


@dataclass(frozen=True)
class Pool:
    """Scenes as tensors; object tables are padded to four objects with class -1.

    Attributes:
        images: (n, 96, 96, 3) uint8.
        labels: (n, 96, 96) uint8, 1 + object where an object is seen.
        kinds: (n, 4) int64, classes.
        colours: (n, 4) int64.
        sizes: (n, 4) int64; 0 small, 1 medium, 2 large.
        grounds: (n,) int64.
    """

    images: Tensor
    labels: Tensor
    kinds: Tensor
    colours: Tensor
    sizes: Tensor
    grounds: Tensor

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: Tensor | slice) -> Pool:
        return Pool(*(getattr(self, field.name)[index] for field in fields(self)))


def draw_pool(stream: str, count: int, fewest: int = 1, workers: int = 2) -> Pool:
    """Draw `count` scenes of `fewest` to four objects of different classes, the same ones every time."""
    starts = range(0, count, _CHUNK)
    with ProcessPoolExecutor(workers) as executor:
        spans = [(stream, start, min(start + _CHUNK, count), fewest) for start in starts]
        chunks = list(executor.map(_draw_span, spans))
    return Pool(*(torch.from_numpy(np.concatenate(columns)) for columns in zip(*chunks, strict=True)))


def _draw_span(span: tuple[str, int, int, int]) -> tuple[np.ndarray, ...]:
    stream, start, stop, fewest = span
    rows = [_row(_draw(stream, index, fewest)) for index in range(start, stop)]
    return tuple(np.stack(column) for column in zip(*rows, strict=True))


def _draw(stream: str, index: int, fewest: int) -> Scene:
    rng = generator(0, stream, index)
    kinds = rng.permutation(len(CLASSES))[: rng.integers(fewest, MOST + 1)]
    return draw_scene(rng, kinds.tolist())


def _row(scene: Scene) -> tuple[np.ndarray, ...]:
    kinds = _pad([thing.kind for thing in scene.things])
    colours = _pad([thing.colour for thing in scene.things])
    sizes = _pad([int(np.searchsorted(_SIZE_BOUNDS, thing.radius)) for thing in scene.things])
    return scene.image, scene.labels, kinds, colours, sizes, np.array(GROUNDS.index(scene.ground))


def _pad(numbers: list[int]) -> np.ndarray:
    return np.array(numbers + [-1] * (MOST - len(numbers)))
