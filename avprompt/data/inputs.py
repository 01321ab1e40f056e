"""How a method takes images and sounds, and reading those of evaluation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from avprompt.data.keys import image_key, sound_key
from avprompt.data.loader import Reader, SampleDataset, loader
from avprompt.data.media import read_audio, read_image, resize_image
from avprompt.distributed import ALONE, Ranks
from avprompt.errors import DataError
from avprompt.records import Audio, GroundTruth, Sample, SoundSource


class KnownFeatures(Protocol):
    """Features that a frozen encoder has made before."""

    def get(self, content: str) -> Mapping[str, Tensor] | None:
        """Return those of a content, by its key, if they are known."""


@dataclass(frozen=True)
class Sound:
    """A sound on its way to the audio encoder, or the frames that the encoder made of it before.

    Attributes:
        waveform: (T,) float32; None where the frames are known.
        frames: (L, W), in the precision that they were kept in; None where they are not known.
        key: of the sound's content; empty where no features are kept.
    """

    waveform: Tensor | None = None
    frames: Tensor | None = None
    key: str = ""


@dataclass(frozen=True)
class InputSpec:
    """How a method takes its inputs.

    Attributes:
        image_size: side of its square images, pixels.
        mean: of each colour in 0..1, taken away from images.
        std: of each colour; images are divided by it.
        rate: of its waveforms, Hz.
        seconds: length of its waveforms.
        pad: put zeros behind short sounds; without it they reach the audio encoder as short as they are.
    """

    image_size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    rate: int
    seconds: float
    pad: bool = True

    def normalise(self, pixels: Tensor) -> Tensor:
        """Normalise images (..., 3, H, W) uint8 on the device where they are."""
        mean = pixels.new_tensor(self.mean, dtype=torch.float32)
        std = pixels.new_tensor(self.std, dtype=torch.float32)
        return (pixels.float() / 255 - mean[:, None, None]) / std[:, None, None]

    def pixels(self, image: np.ndarray) -> Tensor:
        """Normalise an image (H, W, 3) uint8 of the right size to (3, H, W)."""
        return self.normalise(channels_first(image))

    def image(self, pixels: Tensor) -> np.ndarray:
        """Undo `pixels`: (3, H, W) normalised to (H, W, 3) uint8."""
        unit = pixels * torch.tensor(self.std)[:, None, None] + torch.tensor(self.mean)[:, None, None]
        image: np.ndarray = (unit.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
        return image

    def waveform(self, source: SoundSource) -> Tensor:
        """Read a sound as (T,) float32: its first seconds, with zeros behind short ones if `pad`."""
        return torch.from_numpy(read_audio(source, self.rate, self.seconds, pad=self.pad))

    def sound(self, source: SoundSource, known: KnownFeatures | None = None) -> Sound:
        """Read a sound; one whose features are known is not even decoded.

        Raises:
            DataError: it cannot be read.
        """
        if known is None:
            return Sound(self.waveform(source))
        key = sound_key(source, self.rate, self.seconds)
        features = known.get(key)
        if features is None:
            return Sound(self.waveform(source), key=key)
        return Sound(frames=features["frames"], key=key)


@dataclass(frozen=True)
class ImageInput:
    """The image of an evaluation sample.

    Attributes:
        index: the sample's place in the split.
        sample: whose image it is.
        truth: of the sample.
        pixels: (3, H, W) normalised.
        key: of the image's content; empty where no features are kept.
    """

    index: int
    sample: Sample
    truth: GroundTruth
    pixels: Tensor
    key: str = ""


@dataclass(frozen=True)
class SoundInputs:
    """The sounds of an evaluation sample.

    Attributes:
        index: the sample's place in the split.
        id: of the sample.
        by_condition: `true`, and where the sample has them `distractor` and `off-screen`.
    """

    index: int
    id: str
    by_condition: Mapping[str, Sound]


def evaluation_items(
    samples: Sequence[Sample], read: Reader, batch_size: int, workers: int = 0, *, ranks: Ranks = ALONE
) -> Iterator[list[tuple[int, Any]]]:
    """Yield a rank's batches of a split in order, as lists of (index, item or `Missing`).

    Indices count in the whole split, so that `index // batch_size` of a batch's first item is its number.
    """
    order = [[(0, index) for index in batch] for batch in own_batches(len(samples), batch_size, ranks)]
    yield from loader(SampleDataset(samples, read), order, list, workers)


def own_batches(samples: int, batch_size: int, ranks: Ranks = ALONE) -> list[range]:
    """Return the indices of each of a rank's batches; batches are dealt out to ranks in turn."""
    starts = range(ranks.rank * batch_size, samples, ranks.size * batch_size)
    return [range(start, min(start + batch_size, samples)) for start in starts]


def channels_first(image: np.ndarray) -> Tensor:
    """Turn an image (H, W, 3) into a tensor (3, H, W)."""
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)


@dataclass(frozen=True)
class ImageReader:
    """Reads the image of an evaluation sample, with the key of its content where it is `keyed`."""

    spec: InputSpec
    keyed: bool = False

    def __call__(self, sample: Sample, epoch: int, index: int) -> ImageInput:
        """Return the image; `DataError` where it cannot be read."""
        del epoch
        if sample.truth is None:
            raise DataError(f"Sample '{sample.id}' has no ground truth, so it cannot be scored.")
        image = resize_image(read_image(sample.image), self.spec.image_size)
        key = image_key(image) if self.keyed else ""
        return ImageInput(index, sample, sample.truth, self.spec.pixels(image), key)


@dataclass(frozen=True)
class SoundReader:
    """Reads the sounds of an evaluation sample, as far as their features are not known."""

    spec: InputSpec
    known: KnownFeatures | None = None

    def __call__(self, sample: Sample, epoch: int, index: int) -> SoundInputs:
        """Return the sounds; `DataError` where one cannot be read."""
        del epoch
        sources: dict[str, SoundSource] = {"true": sample.audio}
        if sample.distractor is not None:
            sources["distractor"] = sample.distractor.audio
        if sample.off_screen is not None:
            sources["off-screen"] = sample.off_screen
        sounds = {condition: self.spec.sound(source, self.known) for condition, source in sources.items()}
        return SoundInputs(index, sample.id, sounds)


def silence(spec: InputSpec) -> Tensor:
    """Return a silent clip (T,)."""
    return torch.zeros(round(spec.rate * spec.seconds))


def noise(spec: InputSpec, seed: int) -> Audio:
    """Return a clip of white noise, normal(0, 1), the same for the same seed."""
    samples = np.random.default_rng(seed).standard_normal(round(spec.rate * spec.seconds))
    return Audio(samples.astype(np.float32), spec.rate)
