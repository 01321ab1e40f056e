"""Filling caches ahead of training, by as many processes as there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from avprompt.config.method_config import TrainingOptions
from avprompt.data.inputs import InputSpec, Sound, SoundReader, channels_first, evaluation_items
from avprompt.data.keys import image_key
from avprompt.data.media import read_image, resize_image
from avprompt.distributed import ALONE, Ranks
from avprompt.features.encoding import Encoding
from avprompt.features.keys import Caches
from avprompt.records import Missing, Sample


@dataclass(frozen=True)
class Builder:
    """Encodes the sounds and images of splits that the caches do not know yet.

    Attributes:
        encoding: with the caches to fill.
        spec: how the method takes its inputs.
        options: of training; its images are known ahead where nothing is cut out at random.
        ranks: batches are dealt out to them.
        workers: processes that read for this one.
        precision: opens mixed precision, such as accelerate's `autocast`.
    """

    encoding: Encoding
    spec: InputSpec
    options: TrainingOptions
    ranks: Ranks = ALONE
    workers: int = 0
    precision: Callable[[], AbstractContextManager[None]] = nullcontext

    def share(self, samples: Sequence[Sample]) -> int:
        """Return how many samples of a split are this rank's."""
        size, count = self.options.batch_size, len(samples)
        starts = range(self.ranks.rank * size, count, self.ranks.size * size)
        return sum(min(size, count - start) for start in starts)

    def fill(
        self, samples: Sequence[Sample], advance: Callable[[int], None], *, training: bool
    ) -> list[Missing]:
        """Encode this rank's batches of a split; returns the samples that cannot be read.

        Args:
            samples: of the split.
            advance: told after every batch how many samples are done.
            training: the images are for training, as its options change them, rather than for scoring.
        """
        missing: list[Missing] = []
        read = _Reader(self.spec, self.encoding.caches, self.options if training else None)
        size = self.options.batch_size
        for items in evaluation_items(samples, read, size, self.workers, ranks=self.ranks):
            missing += [item for _, item in items if isinstance(item, Missing)]
            with self.precision():
                self._encode([item for _, item in items if isinstance(item, _Inputs)])
            advance(len(items))
        return missing

    def _encode(self, inputs: Sequence[_Inputs]) -> None:
        sounds = [sound for each in inputs for sound in each.sounds]
        if sounds:
            self.encoding.frames(sounds)
        images = [image for each in inputs for image in each.images]
        if images:
            pixels = torch.stack([pixels for _, pixels in images]).to(self.encoding.device)
            self.encoding.images(self.spec.normalise(pixels), [key for key, _ in images])


@dataclass(frozen=True)
class _Inputs:
    """What is to be encoded of a sample: sounds, and images (3, H, W) uint8 with their keys."""

    sounds: tuple[Sound, ...]
    images: tuple[tuple[str, Tensor], ...]


@dataclass(frozen=True)
class _Reader:
    """Reads what the caches do not know, for training with the given options or for scoring."""

    spec: InputSpec
    caches: Caches
    options: TrainingOptions | None

    def __call__(self, sample: Sample, epoch: int, index: int) -> _Inputs:
        sounds: tuple[Sound, ...] = ()
        if self.caches.audio is not None:
            heard = SoundReader(self.spec, self.caches.audio)(sample, epoch, index).by_condition.values()
            sounds = tuple(sound for sound in heard if sound.frames is None)
        return _Inputs(sounds, tuple(self._unknown(sample)))

    def _unknown(self, sample: Sample) -> Iterator[tuple[str, Tensor]]:
        for image in self._images(sample) if self.caches.images is not None else ():
            key = image_key(image)
            if self.caches.images is not None and self.caches.images.get(key) is None:
                yield key, channels_first(image)

    def _images(self, sample: Sample) -> Iterator[np.ndarray]:
        """Yield a sample's images as the encoder is going to see them."""
        side = self.spec.image_size
        if self.options is None:
            yield resize_image(read_image(sample.image), side)
        elif self.options.fixed_images(side):
            image = resize_image(read_image(sample.image, enough=side), side)
            yield image
            if self.options.flip:
                yield image[:, ::-1]
