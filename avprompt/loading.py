"""From samples to batches: reading, augmentation, and the list of what could not be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from avprompt.cache.features import NO_CACHES, Caches, Features
from avprompt.cache.keys import image_key, sound_key
from avprompt.composition import TrainingOptions
from avprompt.data.streaming import Stream, Streaming
from avprompt.errors import DataError
from avprompt.media import read_audio, read_image, resize_image
from avprompt.ranks import ALONE, Ranks
from avprompt.records import Audio, Batch, GroundTruth, Member, Missing, Part, Sample
from avprompt.workers import Read, Reading, loader, stream_loader, worker_count

CPU = torch.device("cpu")


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
class View:
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

    def sound(self, audio: Path | Part | Member | Audio, cache: Features | None = None) -> Sound:
        """Read audio, or only its content's key where the cache knows what the encoder makes of it."""
        if cache is None:
            return Sound(self.waveform(audio))
        key = sound_key(audio, self.rate, self.seconds)
        known = cache.get(key)
        return (
            Sound(self.waveform(audio), key=key) if known is None else Sound(frames=known["frames"], key=key)
        )


@dataclass(frozen=True)
class Clips:
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

    def batch(self, view: View, device: torch.device = CPU) -> Batch | None:
        """Return the clips as a method takes them, where all were decoded: none came from a cache."""
        waveforms = [sound.waveform for sound in self.sounds if sound.waveform is not None]
        if self.pixels is None or len(waveforms) < len(self.ids):
            return None
        return Batch(view.normalise(self.pixels.to(device)), torch.stack(waveforms).to(device))

    def pin_memory(self) -> Clips:
        """Move the pixels to memory that a GPU can copy from; PyTorch's loader calls this."""
        return self if self.pixels is None else replace(self, pixels=self.pixels.pin_memory())


@dataclass(frozen=True)
class Scene:
    """An evaluation image: `pixels` (3, H, W), its truth, the sample's place in the split and its key.

    The key is that of the image's content; empty where there is no cache.
    """

    index: int
    sample: Sample
    truth: GroundTruth
    pixels: Tensor
    key: str = ""


@dataclass(frozen=True)
class Sounds:
    """The sounds of one evaluation sample by condition: `true`, `distractor`, `off-screen`."""

    index: int
    by_condition: Mapping[str, Sound]

    @property
    def waveforms(self) -> dict[str, Tensor]:
        """Return those that were decoded, each (T,); without a cache all of them."""
        heard = {name: sound.waveform for name, sound in self.by_condition.items()}
        return {name: waveform for name, waveform in heard.items() if waveform is not None}


def training_batches(
    samples: Sequence[Sample],
    view: View,
    options: TrainingOptions,
    seed: int,
    steps: range,
    *,
    ranks: Ranks = ALONE,
    caches: Caches = NO_CACHES,
    device: torch.device = CPU,
) -> Iterator[Clips]:
    """Yield the batches of the given numbers; the same seed and number give the same batch.

    Args:
        samples: the training split. A `Stream` comes in another order when it begins at another number.
        view: how the method takes its inputs.
        options: of training; a batch has `batch_size` clips over all ranks.
        seed: of order and augmentation.
        steps: numbers of batches, counted from the beginning of training.
        ranks: each reads its own share of every batch, in order; shares may differ by one clip.
        caches: asked before a sound is decoded.
        device: where batches go; a GPU gets workers that read ahead.
    """
    read, workers = _TrainingReader(view, options, seed, caches), worker_count(options.workers, device, ranks)
    if isinstance(samples, Stream):
        share = len(_share(np.arange(options.batch_size), ranks))
        streaming = Streaming(samples, read, _clips, share, (seed, steps.start), ranks)
        yield from islice(stream_loader(streaming, streaming.workers(workers), device), len(steps))
        return
    order = _training_order(len(samples), options.batch_size, seed, steps, ranks)
    yield from loader(Reading(samples, read), order, _clips, workers, device)


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
        chosen = shuffled[place * batch_size : (place + 1) * batch_size]
        yield [(epoch, int(index)) for index in _share(chosen, ranks)]


def _share(batch: np.ndarray, ranks: Ranks) -> np.ndarray:
    """Return this rank's part of a batch."""
    share: np.ndarray = np.array_split(batch, ranks.size)[ranks.rank]
    return share


@dataclass(frozen=True)
class _TrainingReader:
    """Reads and augments one clip; the draw depends on seed, epoch and index alone."""

    view: View
    options: TrainingOptions
    seed: int
    caches: Caches

    def __call__(self, sample: Sample, epoch: int, index: int) -> tuple[str, Tensor, str, Sound]:
        random = np.random.default_rng([self.seed, epoch, index])
        side = self.options.resized(self.view.image_size)
        image = resize_image(read_image(sample.image, enough=side), side)
        top, left = random.integers(0, side - self.view.image_size + 1, size=2)
        image = image[top : top + self.view.image_size, left : left + self.view.image_size]
        if self.options.flip and random.random() < 0.5:
            image = image[:, ::-1]
        again = self.caches.images is not None and self.options.fixed_images(self.view.image_size)
        key = image_key(image) if again else ""
        return sample.id, channels_first(image), key, self.view.sound(sample.audio, self.caches.audio)


def _clips(items: list[tuple[int, Any]]) -> Clips:
    skipped = tuple(item for _, item in items if isinstance(item, Missing))
    good = [item for _, item in items if not isinstance(item, Missing)]
    if not good:
        return Clips((), None, (), (), skipped)
    ids, pixels, keys, sounds = zip(*good, strict=True)
    return Clips(ids, torch.stack(pixels), keys if all(keys) else (), sounds, skipped)


def channels_first(image: np.ndarray) -> Tensor:
    """Turn an image (H, W, 3) into a tensor (3, H, W)."""
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)


@dataclass(frozen=True)
class SceneReader:
    """Reads the image of an evaluation sample."""

    view: View
    caches: Caches = NO_CACHES

    def __call__(self, sample: Sample, epoch: int, index: int) -> Scene:
        """Return the scene; `DataError` where it cannot be read."""
        del epoch
        if sample.truth is None:
            raise DataError(f"Sample '{sample.id}' has no ground truth, so it cannot be scored.")
        image = resize_image(read_image(sample.image), self.view.image_size)
        key = image_key(image) if self.caches.images is not None else ""
        return Scene(index, sample, sample.truth, self.view.pixels(image), key)


@dataclass(frozen=True)
class SoundReader:
    """Reads the sounds of an evaluation sample."""

    view: View
    caches: Caches = NO_CACHES

    def __call__(self, sample: Sample, epoch: int, index: int) -> Sounds:
        """Return the sounds; `DataError` where one cannot be read."""
        del epoch
        sources: dict[str, Any] = {"true": sample.audio}
        if sample.distractor is not None:
            sources["distractor"] = sample.distractor.audio
        if sample.off_screen is not None:
            sources["off-screen"] = sample.off_screen
        cache = self.caches.audio
        return Sounds(index, {name: self.view.sound(source, cache) for name, source in sources.items()})


def silence(view: View) -> Tensor:
    """Return a silent clip (T,)."""
    return torch.zeros(round(view.rate * view.seconds))


def noise(view: View, seed: int) -> Audio:
    """Return a clip of white noise, normal(0, 1), the same for the same seed."""
    samples = np.random.default_rng(seed).standard_normal(round(view.rate * view.seconds))
    return Audio(samples.astype(np.float32), view.rate)
