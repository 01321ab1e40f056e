"""From samples to batches: reading, augmentation, and the list of what could not be read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from avprompt.composition import TrainingOptions
from avprompt.errors import DataError
from avprompt.media import read_audio, read_image, resize_image
from avprompt.records import Audio, Batch, GroundTruth, Missing, Sample


@dataclass(frozen=True)
class View:
    """How a method takes its inputs: image side and normalisation, sample rate and seconds of audio."""

    image_size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    rate: int
    seconds: float

    def pixels(self, image: np.ndarray) -> Tensor:
        """Normalise an image (H, W, 3) uint8 of the right size to (3, H, W)."""
        unit = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1).float() / 255
        return (unit - torch.tensor(self.mean)[:, None, None]) / torch.tensor(self.std)[:, None, None]

    def image(self, pixels: Tensor) -> np.ndarray:
        """Undo `pixels`: (3, H, W) normalised to (H, W, 3) uint8."""
        unit = pixels * torch.tensor(self.std)[:, None, None] + torch.tensor(self.mean)[:, None, None]
        shown: np.ndarray = (unit.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
        return shown

    def waveform(self, audio: Any) -> Tensor:
        """Read audio (a file or `Audio`) as (T,), first seconds kept, zeros behind short sounds."""
        return torch.from_numpy(read_audio(audio, self.rate, self.seconds))


@dataclass(frozen=True)
class Clips:
    """A training batch with the ids of its clips, and the clips that could not be read."""

    ids: tuple[str, ...]
    batch: Batch | None
    skipped: tuple[Missing, ...]


@dataclass(frozen=True)
class Scene:
    """An evaluation image: `pixels` (3, H, W), its truth and the sample's place in the split."""

    index: int
    sample: Sample
    truth: GroundTruth
    pixels: Tensor


@dataclass(frozen=True)
class Sounds:
    """The sounds of one evaluation sample by condition (`true`, `distractor`, `off-screen`), each (T,)."""

    index: int
    waveforms: dict[str, Tensor]


class Reading(Dataset[Any]):
    """Reads the items of a split with one function; what cannot be read comes back as `Missing`."""

    def __init__(self, samples: Sequence[Sample], read: Callable[[Sample, int, int], object]) -> None:
        self.samples, self.read = samples, read

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, key: tuple[int, int]) -> tuple[int, object]:
        """Return the item of `(epoch, index)`."""
        epoch, index = key
        sample = self.samples[index]
        try:
            return index, self.read(sample, epoch, index)
        except DataError as error:
            return index, Missing(sample.id, str(error))


def training_batches(
    samples: Sequence[Sample], view: View, options: TrainingOptions, seed: int, steps: range
) -> Iterator[Clips]:
    """Yield the batches of the given steps; the same seed and step give the same batch."""
    order = _steps_order(len(samples), options.batch_size, seed, steps)
    reading = Reading(samples, _TrainingReader(view, options, seed))
    yield from _loader(reading, order, options.workers or 0, _clips)


def evaluation_items(
    samples: Sequence[Sample], read: Callable[[Sample, int, int], object], batch_size: int, workers: int = 0
) -> Iterator[list[tuple[int, Any]]]:
    """Yield every sample of a split in order, read by `read`, in lists of (index, item or `Missing`)."""
    keys = [(0, index) for index in range(len(samples))]
    order = [keys[start : start + batch_size] for start in range(0, len(keys), batch_size)]
    yield from _loader(Reading(samples, read), order, workers, list)


def steps_per_epoch(samples: int, batch_size: int) -> int:
    """Return the steps of one epoch; a last batch of one clip has nothing to contrast and is left out."""
    whole, rest = divmod(samples, batch_size)
    return whole + (rest > 1)


def _steps_order(samples: int, batch_size: int, seed: int, steps: range) -> Iterator[list[tuple[int, int]]]:
    """Yield the (epoch, index) keys of each step's batch; every epoch has an order of its own."""
    per_epoch = steps_per_epoch(samples, batch_size)
    current, shuffled = -1, np.zeros(0, dtype=int)
    for step in steps:
        epoch, place = divmod(step, per_epoch)
        if epoch != current:
            current, shuffled = epoch, np.random.default_rng([seed, epoch]).permutation(samples)
        chosen = shuffled[place * batch_size : (place + 1) * batch_size]
        yield [(epoch, int(index)) for index in chosen]


@dataclass(frozen=True)
class _TrainingReader:
    """Reads and augments one clip; the draw depends on seed, epoch and index alone."""

    view: View
    options: TrainingOptions
    seed: int

    def __call__(self, sample: Sample, epoch: int, index: int) -> tuple[str, Tensor, Tensor]:
        random = np.random.default_rng([self.seed, epoch, index])
        side = round(self.view.image_size * self.options.crop)
        image = resize_image(read_image(sample.image), side)
        top, left = random.integers(0, side - self.view.image_size + 1, size=2)
        image = image[top : top + self.view.image_size, left : left + self.view.image_size]
        if self.options.flip and random.random() < 0.5:
            image = image[:, ::-1]
        return sample.id, self.view.pixels(image), self.view.waveform(sample.audio)


def _clips(items: list[tuple[int, Any]]) -> Clips:
    skipped = tuple(item for _, item in items if isinstance(item, Missing))
    good = [item for _, item in items if not isinstance(item, Missing)]
    if not good:
        return Clips((), None, skipped)
    ids, pixels, waveforms = zip(*good, strict=True)
    return Clips(ids, Batch(torch.stack(pixels), torch.stack(waveforms)), skipped)


def _loader(
    reading: Reading,
    order: Iterable[list[tuple[int, int]]],
    workers: int,
    collate: Callable[[list[Any]], Any],
) -> DataLoader[Any]:
    return DataLoader(reading, batch_sampler=order, num_workers=workers, collate_fn=collate)


@dataclass(frozen=True)
class SceneReader:
    """Reads the image of an evaluation sample."""

    view: View

    def __call__(self, sample: Sample, epoch: int, index: int) -> Scene:
        """Return the scene; `DataError` where it cannot be read."""
        del epoch
        if sample.truth is None:
            raise DataError(f"Sample '{sample.id}' has no ground truth, so it cannot be scored.")
        image = resize_image(read_image(sample.image), self.view.image_size)
        return Scene(index, sample, sample.truth, self.view.pixels(image))


@dataclass(frozen=True)
class SoundReader:
    """Reads the sounds of an evaluation sample."""

    view: View

    def __call__(self, sample: Sample, epoch: int, index: int) -> Sounds:
        """Return the sounds; `DataError` where one cannot be read."""
        del epoch
        sources: dict[str, Any] = {"true": sample.audio}
        if sample.distractor is not None:
            sources["distractor"] = sample.distractor.audio
        if sample.off_screen is not None:
            sources["off-screen"] = sample.off_screen
        return Sounds(index, {name: self.view.waveform(source) for name, source in sources.items()})


def silence(view: View) -> Tensor:
    """Return a silent clip (T,)."""
    return torch.zeros(round(view.rate * view.seconds))


def noise(view: View, seed: int) -> Audio:
    """Return a clip of white noise, normal(0, 1), the same for the same seed."""
    samples = np.random.default_rng(seed).standard_normal(round(view.rate * view.seconds))
    return Audio(samples.astype(np.float32), view.rate)
