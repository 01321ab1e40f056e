"""Where a sound comes from in an image: a method that is ready for any clip."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from avprompt.data.inputs import InputSpec
from avprompt.data.media import read_image, resize_image
from avprompt.errors import DataError
from avprompt.evaluation.finite import check_finite
from avprompt.model.method import Method
from avprompt.pictures.overlay import overlay
from avprompt.plugin.discovery import Loaded
from avprompt.records import Audio, PictureSource, SoundSource
from avprompt.runs.session import open_method
from avprompt.runs.settings import Settings

SECONDS = 10.0
"""How much of a sound is used unless a run or the user says otherwise."""

Size = tuple[int, int]
"""Height and width, pixels."""

ImageLike = str | Path | Image.Image | np.ndarray
"""A file, a PIL image, or an array (H, W, 3) uint8."""

SoundLike = str | Path | Audio | np.ndarray | Tensor
"""A file, or samples (T,) or (channels, T) in -1..1 with their rate."""


@dataclass(frozen=True)
class Localization:
    """Where one sound comes from in one image.

    Attributes:
        image: (H, W, 3) uint8.
        heatmap: (H, W) float32 in 0..1, larger where the sound is; of the size that was asked for.
        confidence: larger where the method believes that the source is visible, a cosine in -1..1.
    """

    image: np.ndarray
    heatmap: np.ndarray
    confidence: float

    def overlay(self) -> Image.Image:
        """Return the heatmap over the image, a picture of the image's size."""
        return Image.fromarray(overlay(self.image, self.heatmap))

    def peak(self) -> tuple[float, float]:
        """Return where the heatmap is highest, as fractions from the top and from the left."""
        row, column = np.unravel_index(self.heatmap.argmax(), self.heatmap.shape)
        height, width = self.heatmap.shape
        return (int(row) + 0.5) / height, (int(column) + 0.5) / width


@dataclass(frozen=True)
class Localizer:
    """A method with all its weights, ready to localise; made by `avprompt.load`.

    Attributes:
        method: in evaluation mode, on its device.
        spec: how it takes images and sounds.
        precision: opens mixed precision, such as accelerate's `autocast`.
    """

    method: Method
    spec: InputSpec
    precision: Callable[[], AbstractContextManager[None]] = nullcontext

    @overload
    def localize(
        self, image: ImageLike, sound: SoundLike, *, rate: int | None = None, size: Size | None = None
    ) -> Localization: ...

    @overload
    def localize(
        self, image: list[Any], sound: list[Any], *, rate: int | None = None, size: Size | None = None
    ) -> list[Localization]: ...

    def localize(
        self, image: Any, sound: Any, *, rate: int | None = None, size: Size | None = None
    ) -> Localization | list[Localization]:
        """Find where a sound comes from in an image, or each of some sounds in the image at its place.

        Args:
            image: a file, a PIL image, an array (H, W, 3) uint8, or a list of these.
            sound: a file, samples (T,) or (channels, T) as an array or tensor in -1..1, or a list of these.
            rate: samples per second of arrays and tensors.
            size: (height, width) of the heatmap; None takes that of the image.

        Raises:
            DataError: an image or sound cannot be read, or there are not as many sounds as images.
            EvaluationError: what comes out is not finite.
        """
        if not isinstance(image, list):
            return self._localize(_picture(image), _sound(sound, rate), size)
        if not isinstance(sound, list) or len(sound) != len(image):
            raise DataError("A list of images needs a list of as many sounds, one for each.")
        return [
            self._localize(_picture(picture), _sound(recording, rate), size)
            for picture, recording in zip(image, sound, strict=True)
        ]

    @torch.no_grad()
    def _localize(self, picture: PictureSource, sound: SoundSource, size: Size | None) -> Localization:
        image, device = read_image(picture), next(self.method.parameters()).device
        pixels = self.spec.pixels(resize_image(image, self.spec.image_size))[None].to(device)
        waveform = self.spec.waveform(sound)[None].to(device)
        height, width = size or image.shape[:2]
        if min(height, width) < 1:
            raise DataError(f"A heatmap of {height} x {width} pixels shows nothing: give a larger size=.")
        with self.precision():
            tokens = self.method.project(self.method.encode_audio(waveform))
            features = self.method.encode_image(pixels)
            prediction = self.method.locate(features, self.method.read(tokens, features), (height, width))
        name = sound if isinstance(sound, Path) else "this sound"
        check_finite(prediction.heatmap, [str(name)], "The heatmap")
        check_finite(prediction.confidence, [str(name)], "The confidence")
        return Localization(image, prediction.heatmap[0].cpu().numpy(), float(prediction.confidence[0]))


def open_localizer(
    loaded: Loaded,
    method: str,
    settings: Settings,
    checkpoint: Path | None = None,
    seconds: float | None = None,
) -> Localizer:
    """Open a method for use on single clips.

    Args:
        loaded: plugins.
        method: a registered method, a YAML file, or the `config.yaml` of a run.
        settings: the user's choices, or those of the run.
        checkpoint: trained parts.
        seconds: how much of each sound is used.

    Raises:
        WeightsError: trained parts or encoder weights are missing.
    """
    opened = open_method(loaded, method, settings, settings.encoders or "published", checkpoint)
    opened.method.eval()
    return Localizer(opened.method, opened.input_spec(seconds or SECONDS), opened.accelerator.autocast)


def _picture(image: ImageLike) -> PictureSource:
    if isinstance(image, Image.Image):
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    return Path(image) if isinstance(image, str) else image


def _sound(sound: SoundLike, rate: int | None) -> SoundSource:
    if isinstance(sound, str | Path):
        return Path(sound)
    if isinstance(sound, Audio):
        return sound
    if not isinstance(sound, np.ndarray | Tensor):
        raise DataError(f"A sound is a file, or samples as an array or tensor, not {type(sound).__name__}.")
    if rate is None or rate < 1:
        raise DataError("Samples of a sound say nothing of their rate: give rate=, in samples per second.")
    samples = sound.detach().cpu().numpy() if isinstance(sound, Tensor) else np.asarray(sound)
    if not np.issubdtype(samples.dtype, np.floating):
        raise DataError(f"Samples must lie in -1..1, not be {samples.dtype}: divide 16-bit ones by 32768.")
    if samples.ndim > 2 or (samples.ndim == 2 and samples.shape[0] > samples.shape[1]):
        raise DataError(f"Samples must be (T,) or (channels, T), not {samples.shape}.")
    return Audio(samples.astype(np.float32), rate)
