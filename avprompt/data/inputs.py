"""How a method takes its inputs, and reading those of evaluation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from avprompt.data.keys import image_key, sound_key
from avprompt.data.loader import Read, Reading, loader
from avprompt.data.media import read_audio, read_image, resize_image
from avprompt.distributed import ALONE, Ranks
from avprompt.errors import DataError
from avprompt.records import Audio, GroundTruth, Sample, SoundSource


class KnownFeatures(Protocol):
    """What a frozen encoder has made of contents before."""

    def get(self, content: str) -> Mapping[str, Tensor] | None:
        """Return that by the key of a content, if it is known."""


@dataclass(frozen=True)
class Sound:
    """A sound on its way to the audio encoder, or what the encoder has made of it before.

    Attributes:
        waveform: (T,); None where the frames are known.
        frames: (L, W) from the cache, in its precision.
        key: of the sound's content; empty where there is no cache.
    """

    waveform: Tensor | None = None
    frames: Tensor | None = None
    key: str = ""


@dataclass(frozen=True)
class InputSpec:
    """How a method takes its inputs: image side and normalisation, sample rate and seconds of audio."""

    image_size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    rate: int
    seconds: float

    def normalise(self, pixels: Tensor) -> Tensor:
        """Normalise images (..., 3, H, W) uint8 on the device where they are."""
        mean, std = (pixels.new_tensor(each, dtype=torch.float32) for each in (self.mean, self.std))
        return (pixels.float() / 255 - mean[:, None, None]) / std[:, None, None]

    def pixels(self, image: np.ndarray) -> Tensor:
        """Normalise an image (H, W, 3) uint8 of the right size to (3, H, W)."""
        return self.normalise(channels_first(image))

    def image(self, pixels: Tensor) -> np.ndarray:
        """Undo `pixels`: (3, H, W) normalised to (H, W, 3) uint8."""
        unit = pixels * torch.tensor(self.std)[:, None, None] + torch.tensor(self.mean)[:, None, None]
        shown: np.ndarray = (unit.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
        return shown

    def waveform(self, audio: Any) -> Tensor:
        """Read audio (a file or `Audio`) as (T,), first seconds kept, zeros behind short sounds."""
        return torch.from_numpy(read_audio(audio, self.rate, self.seconds))

    def sound(self, audio: SoundSource, known: KnownFeatures | None = None) -> Sound:
        """Read audio, or only its content's key where it is known what the encoder makes of it."""
        if known is None:
            return Sound(self.waveform(audio))
        key = sound_key(audio, self.rate, self.seconds)
        features = known.get(key)
        if features is None:
            return Sound(self.waveform(audio), key=key)
        return Sound(frames=features["frames"], key=key)


@dataclass(frozen=True)
class ImageInput:
    """An evaluation image: `pixels` (3, H, W), its truth, the sample's place in the split and its key.

    The key is that of the image's content; empty where there is no cache.
    """

    index: int
    sample: Sample
    truth: GroundTruth
    pixels: Tensor
    key: str = ""


@dataclass(frozen=True)
class SoundInputs:
    """The sounds of one evaluation sample by condition: `true`, `distractor`, `off-screen`."""

    index: int
    by_condition: Mapping[str, Sound]


def evaluation_items(
    samples: Sequence[Sample], read: Read, batch_size: int, workers: int = 0, *, ranks: Ranks = ALONE
) -> Iterator[list[tuple[int, Any]]]:
    """Yield samples of a split in order, read by `read`, in lists of (index, item or `Missing`).

    Batch k, the samples from index `k * batch_size` on, belongs to rank `k % size`. Indices count in the
    whole split, so that `index // batch_size` of a batch's first item is its number.
    """
    starts = range(ranks.rank * batch_size, len(samples), ranks.size * batch_size)
    order = [[(0, i) for i in range(start, min(start + batch_size, len(samples)))] for start in starts]
    yield from loader(Reading(samples, read), order, list, workers)


def channels_first(image: np.ndarray) -> Tensor:
    """Turn an image (H, W, 3) into a tensor (3, H, W)."""
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)


@dataclass(frozen=True)
class ImageReader:
    """Reads the image of an evaluation sample, with the key of its content where that is `keyed`."""

    spec: InputSpec
    keyed: bool = False

    def __call__(self, sample: Sample, epoch: int, index: int) -> ImageInput:
        """Return the scene; `DataError` where it cannot be read."""
        del epoch
        if sample.truth is None:
            raise DataError(f"Sample '{sample.id}' has no ground truth, so it cannot be scored.")
        image = resize_image(read_image(sample.image), self.spec.image_size)
        key = image_key(image) if self.keyed else ""
        return ImageInput(index, sample, sample.truth, self.spec.pixels(image), key)


@dataclass(frozen=True)
class SoundReader:
    """Reads the sounds of an evaluation sample, as far as it is not known what the encoder makes of them."""

    spec: InputSpec
    known: KnownFeatures | None = None

    def __call__(self, sample: Sample, epoch: int, index: int) -> SoundInputs:
        """Return the sounds; `DataError` where one cannot be read."""
        del epoch
        sources: dict[str, Any] = {"true": sample.audio}
        if sample.distractor is not None:
            sources["distractor"] = sample.distractor.audio
        if sample.off_screen is not None:
            sources["off-screen"] = sample.off_screen
        return SoundInputs(
            index, {name: self.spec.sound(source, self.known) for name, source in sources.items()}
        )


def silence(spec: InputSpec) -> Tensor:
    """Return a silent clip (T,)."""
    return torch.zeros(round(spec.rate * spec.seconds))


def noise(spec: InputSpec, seed: int) -> Audio:
    """Return a clip of white noise, normal(0, 1), the same for the same seed."""
    samples = np.random.default_rng(seed).standard_normal(round(spec.rate * spec.seconds))
    return Audio(samples.astype(np.float32), spec.rate)
