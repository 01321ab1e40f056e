"""What a user gives to be localised, from Python: pictures, sounds and sizes of any kind, as sources."""

from __future__ import annotations

from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from avprompt.data.media import upright_rgb
from avprompt.errors import ConfigError, DataError
from avprompt.records import Audio, PictureSource, SoundSource

Size = tuple[int, int]
"""Height and width, pixels."""

ImageLike = str | Path | Image.Image | np.ndarray
"""A file, a PIL image, or an array (H, W, 3) uint8."""

SoundLike = str | Path | Audio | np.ndarray | Tensor
"""A file, or samples (T,) or (channels, T) in -1..1 with their rate."""


def checked_size(size: Any) -> Size:
    """Return the height and width of a heatmap, or say why they are none."""
    sides = tuple(size) if isinstance(size, list | tuple) else ()
    if len(sides) != 2 or not all(isinstance(side, Integral) for side in sides):
        raise ConfigError(f"size must be (height, width) in pixels, such as (224, 224), not {size!r}.")
    height, width = map(int, sides)
    if min(height, width) < 1:
        raise ConfigError(f"A heatmap of {height} x {width} pixels shows nothing: give a larger size=.")
    return height, width


def video_file(video: Any) -> Path:
    """Return the path of a video, or say why it is none."""
    if not isinstance(video, str | Path) or not str(video):
        raise DataError(f"A video is a file, such as 'clip.mp4', not {video!r}.")
    if not Path(video).is_file():
        raise DataError(f"{video} is no file." if Path(video).exists() else f"{video} does not exist.")
    return Path(video)


def picture_source(image: Any) -> PictureSource:
    """Return a picture of any kind as a source, or say why it is none."""
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


def sound_source(sound: Any, rate: Any) -> SoundSource:
    """Return a sound of any kind as a source, or say why it is none."""
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
