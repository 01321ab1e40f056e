"""Training batches: augmented scenes, texts with the masks they name, and masked copies of objects."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from avprompt_benchmarks.toy.classes import CLASSES, TEXTURES, shape_of, texture_of
from avprompt_mini.model import MEAN, STD
from avprompt_mini.pretraining.captions import Topic
from avprompt_mini.pretraining.pool import Pool

_SHAPE = torch.tensor([shape_of(kind) for kind in CLASSES])
_TEXTURE = torch.tensor([texture_of(kind) for kind in CLASSES])


@dataclass(frozen=True)
class Query:
    """A text about one image: what it names, and which of the image's objects that is."""

    image: int
    topic: Topic
    objects: tuple[int, ...]


def normalise(images: Tensor) -> Tensor:
    """Turn (B, H, W, 3) uint8 into normalised pixels (B, 3, H, W)."""
    pixels = images.permute(0, 3, 1, 2).float() / 255
    return (pixels - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]


def augment(rng: random.Random, batch: Pool) -> Pool:
    """Turn and flip the scenes of a batch, all alike; no class changes by that."""
    turns, flip = rng.randrange(4), rng.random() < 0.5

    def turn(grid: Tensor) -> Tensor:
        return torch.rot90(grid.flip(1) if flip else grid, turns, (1, 2))

    return replace(batch, images=turn(batch.images), labels=turn(batch.labels))


def ask(rng: random.Random, batch: Pool) -> list[Query]:
    """Ask three things about every image: two objects or kinds of object, and something absent."""
    queries = []
    for image, (kinds, colours, sizes) in enumerate(
        zip(batch.kinds.tolist(), batch.colours.tolist(), batch.sizes.tolist(), strict=True)
    ):
        present = [kind for kind in kinds if kind >= 0]
        draw = rng.sample if len(present) > 1 else rng.choices  # a lone object is asked for twice
        for target in draw(range(len(present)), k=2):
            topic = class_topic(present[target], colours[target], sizes[target])
            if rng.random() < 0.15:
                queries.append(_ask_for_part(rng, image, present, topic))
            else:
                queries.append(Query(image, topic, (target,)))
        queries.append(Query(image, _absent(rng, present), ()))
    return queries


def class_topic(kind: int, colour: int | None = None, size: int | None = None) -> Topic:
    """Return the topic that names a class fully."""
    return Topic(shape_of(kind), texture_of(kind), colour, size)


def _ask_for_part(rng: random.Random, image: int, there: list[int], topic: Topic) -> Query:
    """Ask for every object of a shape, or of a texture."""
    if rng.random() < 0.5:
        same = tuple(i for i, kind in enumerate(there) if shape_of(kind) == topic.shape)
        return Query(image, Topic(shape=topic.shape), same)
    same = tuple(i for i, kind in enumerate(there) if texture_of(kind) == topic.texture)
    return Query(image, Topic(texture=topic.texture), same)


def _absent(rng: random.Random, there: list[int]) -> Topic:
    """Name an absent class, half the time one that shares its shape or texture with what is there."""
    absent = [kind for kind in CLASSES if kind not in there]
    mixed = [shape_of(a) * len(TEXTURES) + texture_of(b) for a in there for b in there]
    hard = [kind for kind in mixed if kind not in there]
    kind = rng.choice(hard if hard and rng.random() < 0.5 else absent)
    return class_topic(kind, rng.randrange(8), rng.randrange(3))


def query_masks(batch: Pool, queries: list[Query]) -> Tensor:
    """Return the masks (n, H, W) float32 that queries name."""
    labels = torch.zeros(len(queries), batch.kinds.shape[1] + 1)
    for row, query in enumerate(queries):
        for index in query.objects:
            labels[row, index + 1] = 1
    images = torch.tensor([query.image for query in queries])
    return labels[torch.arange(len(queries))[:, None, None], batch.labels[images].long()]


def single_objects(rng: random.Random, batch: Pool, pixels: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return copies (count, 3, H, W) that show one object each, and the objects' classes (count,).

    Outside the mask there are zeros, as masked images have in training, or now and then one colour
    or a blurred scene; masks are ragged, since a decoder's are.
    """
    images = torch.tensor(rng.sample(range(len(batch)), count))
    targets = torch.tensor([rng.randrange(int(n)) for n in (batch.kinds[images] >= 0).sum(1)])
    exact = batch.labels[images] == targets[:, None, None] + 1
    masks = torch.stack([_ragged(rng, mask) for mask in exact.float()])[:, None]  # (count, 1, H, W)
    outside = torch.stack([_outside(rng, image) for image in pixels[images]])
    return pixels[images] * masks + outside * (1 - masks), batch.kinds[images, targets]


def _ragged(rng: random.Random, mask: Tensor) -> Tensor:
    kind = rng.random()
    if kind < 0.4:
        return mask
    if kind < 0.6:
        return F.max_pool2d(mask[None], 7, stride=1, padding=3)[0]
    if kind < 0.7:
        return 1 - F.max_pool2d(1 - mask[None], 3, stride=1, padding=1)[0]
    seed = torch.Generator().manual_seed(rng.randrange(2**31))
    coarse = torch.rand(12, 12, generator=seed).repeat_interleave(8, 0).repeat_interleave(8, 1)
    return torch.where(coarse < 0.15, 1 - mask, mask) if kind < 0.85 else mask * (coarse > 0.25)


def _outside(rng: random.Random, image: Tensor) -> Tensor:
    kind = rng.random()
    if kind < 0.75:
        return torch.zeros_like(image)
    if kind < 0.88:
        return torch.zeros_like(image) + rng.uniform(-2, 2)
    coarse = F.avg_pool2d(image, 24)
    return coarse.repeat_interleave(24, 1).repeat_interleave(24, 2)
