"""Training batches: their order, augmentation, and each rank's share of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor

from avprompt.config.training_options import TrainingOptions
from avprompt.data.inputs import InputSpec, Sound, channels_first
from avprompt.data.keys import image_key
from avprompt.data.loader import SampleDataset, loader, stream_loader, worker_count
from avprompt.data.media import read_image, resize_image
from avprompt.data.streaming import Stream, StreamDataset
from avprompt.distributed import ALONE, Ranks
from avprompt.features.keys import NOTHING_STORED, StoredFeatures
from avprompt.records import Missing, Sample

CPU = torch.device("cpu")


@dataclass(frozen=True)
class ClipBatch:
    """A training batch, this rank's share of it, and the clips of that which could not be read.

    Attributes:
        ids: of B clips.
        pixels: (B, 3, H, W) uint8; None where no clip could be read.
        image_keys: of the B images, or none where images are cut out at random.
        sounds: of the B clips.
        skipped: what could not be read.
    """

    ids: tuple[str, ...]
    pixels: Tensor | None
    image_keys: tuple[str, ...]
    sounds: tuple[Sound, ...]
    skipped: tuple[Missing, ...]

    def pin_memory(self) -> ClipBatch:
        """Move the pixels to memory that a GPU can copy from; PyTorch's loader calls this."""
        return self if self.pixels is None else replace(self, pixels=self.pixels.pin_memory())


def training_batches(
    samples: Sequence[Sample],
    spec: InputSpec,
    options: TrainingOptions,
    seed: int,
    steps: range,
    *,
    ranks: Ranks = ALONE,
    stored: StoredFeatures = NOTHING_STORED,
    device: torch.device = CPU,
) -> Iterator[ClipBatch]:
    """Yield the batches of the given numbers; the same seed and number give the same batch.

    Args:
        samples: the training split. A `Stream` comes in another order when it begins at another number.
        spec: how the method takes its inputs.
        options: of training; a batch has `batch_size` clips over all ranks.
        seed: of order and augmentation.
        steps: numbers of batches, counted from the beginning of training.
        ranks: each reads its own share of every batch, in order; shares may differ by one clip.
        stored: features, asked for before a sound is decoded.
        device: where batches go; a GPU gets workers that read ahead.
    """
    read = _TrainingReader(spec, options, seed, stored)
    workers = worker_count(options.workers, device, ranks)
    if isinstance(samples, Stream):
        share = len(_share(np.arange(options.batch_size), ranks))
        stream = StreamDataset(samples, read, _clip_batch, share, (seed, steps.start), ranks)
        yield from islice(stream_loader(stream, stream.workers(workers), device), len(steps))
        return
    order = _training_order(len(samples), options.batch_size, seed, steps, ranks)
    yield from loader(SampleDataset(samples, read), order, _clip_batch, workers, device)


def steps_per_epoch(samples: int, batch_size: int) -> int:
    """Return the steps of one epoch; a last batch of one clip has nothing to contrast and is left out."""
    whole, rest = divmod(samples, batch_size)
    return whole + (rest > 1)


def _training_order(
    samples: int, batch_size: int, seed: int, steps: range, ranks: Ranks
) -> Iterator[list[tuple[int, int]]]:
    """Yield the (epoch, index) keys of a rank's share of each batch; every epoch has its own order."""
    per_epoch = steps_per_epoch(samples, batch_size)
    current, shuffled = -1, np.zeros(0, dtype=int)
    for step in steps:
        epoch, place = divmod(step, per_epoch)
        if epoch != current:
            current, shuffled = epoch, np.random.default_rng([seed, epoch]).permutation(samples)
        batch = shuffled[place * batch_size : (place + 1) * batch_size]
        yield [(epoch, int(index)) for index in _share(batch, ranks)]


def _share(batch: np.ndarray, ranks: Ranks) -> np.ndarray:
    """Return this rank's part of a batch."""
    share: np.ndarray = np.array_split(batch, ranks.size)[ranks.rank]
    return share


@dataclass(frozen=True)
class _TrainingReader:
    """Reads and augments one clip; the draw depends on seed, epoch and index alone."""

    spec: InputSpec
    options: TrainingOptions
    seed: int
    stored: StoredFeatures

    def __call__(self, sample: Sample, epoch: int, index: int) -> tuple[str, Tensor, str, Sound]:
        random = np.random.default_rng([self.seed, epoch, index])
        side = self.options.resized(self.spec.image_size)
        image = resize_image(read_image(sample.image, enough=side), side)
        top, left = random.integers(0, side - self.spec.image_size + 1, size=2)
        image = image[top : top + self.spec.image_size, left : left + self.spec.image_size]
        if self.options.flip and random.random() < 0.5:
            image = image[:, ::-1]
        cached = self.stored.images is not None and self.options.fixed_images(self.spec.image_size)
        key = image_key(image) if cached else ""
        return sample.id, channels_first(image), key, self.spec.sound(sample.audio, self.stored.audio)


def _clip_batch(items: list[tuple[int, Any]]) -> ClipBatch:
    skipped = tuple(item for _, item in items if isinstance(item, Missing))
    clips = [item for _, item in items if not isinstance(item, Missing)]
    if not clips:
        return ClipBatch((), None, (), (), skipped)
    ids, pixels, keys, sounds = zip(*clips, strict=True)
    return ClipBatch(ids, torch.stack(pixels), keys if all(keys) else (), sounds, skipped)
