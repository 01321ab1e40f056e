"""Encoding splits ahead of training, by as many processes as there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from avprompt.config.training_options import TrainingOptions
from avprompt.data.inputs import ImageReader, InputSpec, Sound, SoundReader, evaluation_items, own_batches
from avprompt.data.keys import image_key
from avprompt.data.media import read_image, resize_image
from avprompt.distributed import ALONE, Ranks
from avprompt.features.encoding import Encoding
from avprompt.features.keys import StoredFeatures
from avprompt.records import Missing, Sample


@dataclass(frozen=True)
class SplitEncoder:
    """Encodes the sounds and images of splits, as far as their features are not kept yet.

    Attributes:
        encoding: with the features to complete.
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
        return sum(map(len, own_batches(len(samples), self.options.batch_size, self.ranks)))

    def encode(
        self, samples: Sequence[Sample], advance: Callable[[int], None], *, training: bool
    ) -> list[Missing]:
        """Encode this rank's batches of a split; returns the samples that cannot be read.

        Args:
            samples: of the split.
            advance: told after every batch how many samples are done.
            training: the images are for training, as its options change them, rather than for scoring.
        """
        missing: list[Missing] = []
        read = _UnknownReader(self.spec, self.encoding.stored, self.options if training else None)
        size = self.options.batch_size
        for items in evaluation_items(samples, read, size, self.workers, ranks=self.ranks):
            missing += [item for _, item in items if isinstance(item, Missing)]
            with self.precision():
                self._encode([item for _, item in items if isinstance(item, _Unknown)])
            advance(len(items))
        return missing

    def _encode(self, inputs: Sequence[_Unknown]) -> None:
        sounds = [sound for unknown in inputs for sound in unknown.sounds]
        if sounds:
            self.encoding.frames(sounds)
        images = [image for unknown in inputs for image in unknown.images]
        if images:
            keys, pixels = zip(*images, strict=True)
            self.encoding.images(torch.stack(pixels).to(self.encoding.device), keys)


@dataclass(frozen=True)
class _Unknown:
    """Inputs of a sample without features: sounds, and the keys and pixels (3, H, W) of images."""

    sounds: tuple[Sound, ...]
    images: tuple[tuple[str, Tensor], ...]


@dataclass(frozen=True)
class _UnknownReader:
    """Reads the inputs of a sample that have no features, for training with these options or for scoring."""

    spec: InputSpec
    stored: StoredFeatures
    training: TrainingOptions | None

    def __call__(self, sample: Sample, epoch: int, index: int) -> _Unknown:
        sounds: tuple[Sound, ...] = ()
        if self.stored.audio is not None:
            by_condition = SoundReader(self.spec, self.stored.audio)(sample, epoch, index).by_condition
            sounds = tuple(sound for sound in by_condition.values() if sound.frames is None)
        images: tuple[tuple[str, Tensor], ...] = ()
        if self.stored.images is not None:
            keyed = self._training_images(sample) if self.training else self._scored_image(sample, index)
            images = tuple((key, pixels) for key, pixels in keyed if self.stored.images.get(key) is None)
        return _Unknown(sounds, images)

    def _scored_image(self, sample: Sample, index: int) -> Iterator[tuple[str, Tensor]]:
        image = ImageReader(self.spec, keyed=True)(sample, 0, index)
        yield image.key, image.pixels

    def _training_images(self, sample: Sample) -> Iterator[tuple[str, Tensor]]:
        side = self.spec.image_size
        if self.training is not None and self.training.fixed_images(side):
            image = resize_image(read_image(sample.image, enough=side), side)
            yield image_key(image), self.spec.pixels(image)
            if self.training.flip:
                mirrored = image[:, ::-1]
                yield image_key(mirrored), self.spec.pixels(mirrored)
