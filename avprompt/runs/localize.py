"""Where a sound comes from in an image: a method that is ready for any clip."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from numbers import Integral, Real
from pathlib import Path
from typing import Any, overload

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from avprompt.data.inputs import InputSpec
from avprompt.data.media import read_image, resize_image, upright_rgb
from avprompt.errors import ConfigError, DataError
from avprompt.evaluation.finite import check_finite
from avprompt.model.method import Method
from avprompt.pictures.overlay import overlay
from avprompt.plugin.discovery import Loaded
from avprompt.records import Audio, PictureSource, SoundSource
from avprompt.runs.session import open_method
from avprompt.runs.settings import Settings

SECONDS = 10.0
"""How much of a sound is used unless a run or the user says otherwise."""

SHORTEST = 0.1
"""Seconds of sound that may be asked for."""

Size = tuple[int, int]
"""Height and width, pixels."""

ImageLike = str | Path | Image.Image | np.ndarray
"""A file, a PIL image, or an array (H, W, 3) uint8."""

SoundLike = str | Path | Audio | np.ndarray | Tensor
"""A file, or samples (T,) or (channels, T) in -1..1 with their rate."""


@dataclass(frozen=True, eq=False)
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
            ConfigError: the size is none.
            DataError: an image or sound cannot be read, or there are not as many sounds as images.
            EvaluationError: what comes out is not finite.
        """
        if not isinstance(image, list):
            return self.localize_sources(_picture(image), _sound(sound, rate), size)
        if not isinstance(sound, list) or len(sound) != len(image):
            raise DataError("A list of images needs a list of as many sounds, one for each.")
        return [
            self.localize_sources(_picture(picture), _sound(recording, rate), size)
            for picture, recording in zip(image, sound, strict=True)
        ]

    @torch.no_grad()
    def localize_sources(
        self, picture: PictureSource, sound: SoundSource, size: Size | None = None
    ) -> Localization:
        """Do the same for the picture and the sound of a sample."""
        image, device = read_image(picture), next(self.method.parameters()).device
        pixels = self.spec.pixels(resize_image(image, self.spec.image_size))[None].to(device)
        waveform = self.spec.waveform(sound)[None].to(device)
        height, width = image.shape[:2] if size is None else _checked_size(size)
        with self.precision():
            audio = self.method.listen(self.method.encode_audio(waveform))
            features = self.method.encode_image(pixels)
            prediction = self.method.locate(features, self.method.read(audio, features), (height, width))
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
        ConfigError: the method does not fit together, or `seconds` is no length of time.
        WeightsError: trained parts or encoder weights are missing.
    """
    seconds = SECONDS if seconds is None else _checked_seconds(seconds)
    opened = open_method(loaded, method, settings, settings.encoders or "published", checkpoint)
    opened.method.eval()
    return Localizer(opened.method, opened.input_spec(seconds), opened.accelerator.autocast)


def _checked_seconds(seconds: Any) -> float:
    number = isinstance(seconds, Real) and not isinstance(seconds, bool)
    if not (number and SHORTEST <= seconds < math.inf):
        raise ConfigError(
            f"seconds says how much of each sound is used: a number from {SHORTEST}, such as {SECONDS}, "
            f"not {seconds!r}."
        )
    return float(seconds)


def _checked_size(size: Any) -> Size:
    sides = tuple(size) if isinstance(size, list | tuple) else ()
    if len(sides) != 2 or not all(isinstance(side, Integral) for side in sides):
        raise ConfigError(f"size must be (height, width) in pixels, such as (224, 224), not {size!r}.")
    height, width = map(int, sides)
    if min(height, width) < 1:
        raise ConfigError(f"A heatmap of {height} x {width} pixels shows nothing: give a larger size=.")
    return height, width


def _picture(image: Any) -> PictureSource:
    if isinstance(image, Image.Image):
        try:
            return upright_rgb(image)
        except (OSError, SyntaxError, ValueError) as error:  # Pillow decodes when it is first looked at
            raise DataError(f"The PIL image cannot be decoded ({error}). Get its file again.") from error
    empty = isinstance(image, str) and not image
    if empty or not isinstance(image, str | Path | np.ndarray):
        raise DataError(
            "An image is a file, a PIL image, or an array (H, W, 3) uint8, not "
            f"{'an empty text' if empty else type(image).__name__}. "
            "Of a tensor (3, H, W) uint8 make one: image.permute(1, 2, 0).cpu().numpy()."
        )
    return Path(image) if isinstance(image, str) else image


def _sound(sound: Any, rate: Any) -> SoundSource:
    if isinstance(sound, str | Path) and sound != "":
        return Path(sound)
    if isinstance(sound, Audio):
        return sound
    if not isinstance(sound, np.ndarray | Tensor):
        raise DataError(f"A sound is a file, or samples as an array or tensor, not {type(sound).__name__}.")
    if not isinstance(rate, Real) or rate < 1:
        raise DataError(
            "Samples of a sound say nothing of their rate: give rate=, in samples per second, such as 16000 "
            f"(got {rate!r})."
        )
    if isinstance(sound, Tensor):  # NumPy has no bfloat16
        sound = (sound.float() if sound.is_floating_point() else sound).detach().cpu().numpy()
    if not np.issubdtype(sound.dtype, np.floating):
        raise DataError(f"Samples must lie in -1..1, not be {sound.dtype}: divide 16-bit ones by 32768.")
    return Audio(sound.astype(np.float32), rate)  # type: ignore[arg-type]  # its reader checks the rest
