"""Reading pictures and sounds as they are found, into arrays of one kind.

Whatever the file holds, an image becomes (H, W, 3) uint8 RGB and a sound float32 at the rate that
was asked for. A file that cannot be read is a `DataError` that names it, never something else.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Real

import numpy as np
import soundfile
import soxr
from PIL import ExifTags, Image, ImageOps

from avprompt.data.sources import limit_pixels, naming, opened
from avprompt.data.video import load_sound, read_frame
from avprompt.errors import DataError
from avprompt.records import Audio, FileSource, Frame, PictureSource, SoundSource

_FILTER_TAIL = 0.1
"""Seconds read beyond the part that is kept, for the resampler to see across its end."""

LOUDEST = 10.0
"""No sample of sound in -1..1 is larger; white noise of deviation 1, of the altered sounds, stays below."""

_LOWEST_RATE, _HIGHEST_RATE = 1_000, 1_000_000  # Hz
_MOST_CHANNELS = 64


def read_image(source: PictureSource, enough: int | None = None) -> np.ndarray:
    """Return a picture as (H, W, 3) uint8 RGB, upright.

    Grey, palette, transparent, CMYK and 16-bit pictures are converted; transparency is dropped and
    the camera's orientation applied.

    Args:
        source: a file, a frame of a video, or an array (H, W) or (H, W, 1 | 3 | 4) uint8.
        enough: a side in pixels that will do. A JPEG may then be decoded at a half, a quarter or an eighth of
            its size, not below that side, which takes a fraction of the time.

    Raises:
        DataError: the file is missing, broken, cut off or not a picture; the array is not one.
    """
    if isinstance(source, np.ndarray):
        return _rgb_array(source)
    if isinstance(source, Frame):
        return read_frame(source.video, source.index, source.rate)
    with open_picture(source) as image:
        if enough is not None:
            image.draft(None, (enough, enough))
        limit_pixels(source, *image.size)
        return upright_rgb(image)


def picture_size(source: FileSource | Frame) -> tuple[int, int]:
    """Return (width, height) of a picture as it is shown, pixels; of a file only the header is read.

    Raises:
        DataError: the file is missing or no picture.
    """
    if isinstance(source, Frame):
        height, width, _ = read_frame(source.video, 0).shape
        return width, height
    with open_picture(source) as image:
        width, height = image.size
        turned = image.getexif().get(ExifTags.Base.Orientation, 1) >= 5
        return (height, width) if turned else (width, height)


@contextmanager
def open_picture(source: FileSource) -> Iterator[Image.Image]:
    """Open a picture file with Pillow; nothing is decoded yet, and `limit_pixels` shall say whether it may.

    Raises:
        DataError: the file is missing or no picture, also where it shows only when it is decoded.
    """
    with naming(source, "picture"):
        theirs, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None  # Our limit says what to do about it.
        try:
            image = Image.open(opened(source))
        finally:
            Image.MAX_IMAGE_PIXELS = theirs
        with image:
            yield image


def resize_image(image: np.ndarray, size: int) -> np.ndarray:
    """Resize (H, W, 3) uint8 to a square (size, size, 3) with Pillow's bicubic filter."""
    resized = Image.fromarray(image).resize((size, size), Image.Resampling.BICUBIC)
    return np.array(resized)


def read_audio(source: SoundSource, rate: int, seconds: float, *, pad: bool = True) -> np.ndarray:
    """Return the first `seconds` of a sound as mono float32 (rate * seconds,), fewer only without `pad`.

    Channels are mixed by their mean, and other rates resampled by soxr at high quality.

    Args:
        source: a file of any format that libsndfile or FFmpeg reads, or decoded audio.
        rate: of the result, Hz.
        seconds: length of the result.
        pad: put zeros behind a sound that is too short; otherwise it stays short.

    Raises:
        DataError: the file is missing or broken, what it holds is no sound (see `verify_sound`), or is so
            short that at this rate nothing is left.
    """
    name = "The decoded audio" if isinstance(source, Audio) else str(source)
    audio = source if isinstance(source, Audio) else load_audio(source, seconds + _FILTER_TAIL)
    verify_sound(audio, name)
    samples = mix(audio, seconds + _FILTER_TAIL)  # (T,)
    if audio.rate != rate:
        samples = soxr.resample(samples, audio.rate, rate, quality="HQ")
        if samples.size == 0:
            raise DataError(f"{name} is too short to be heard. Leave the sample out or get the file again.")
    length = round(rate * seconds)
    return np.pad(samples[:length], (0, max(0, length - len(samples)) if pad else 0))


def load_audio(source: FileSource, seconds: float = math.inf) -> Audio:
    """Return a sound as its file holds it, (channels, T): all of it, or at least its first `seconds`.

    Raises:
        DataError: the file is missing or broken, or has no sound.
    """
    if source.suffix[1:].upper() not in soundfile.available_formats():
        return load_sound(source, seconds)
    with naming(source, "sound"), soundfile.SoundFile(opened(source)) as file:
        length = -1 if seconds == math.inf else math.ceil(seconds * file.samplerate)
        samples = file.read(length, dtype="float32", always_2d=True)
        return Audio(samples.T, file.samplerate)


def verify_sound(audio: Audio, name: str) -> None:
    """Make sure that decoded audio is sound, (T,) or (channels, T) in -1..1.

    Args:
        audio: to look at.
        name: what an error calls it.

    Raises:
        DataError: it is empty, of another shape, not finite, far too loud, or has no rate that a sound has.
    """
    samples = np.asarray(audio.samples)
    if not isinstance(audio.rate, Real) or not _LOWEST_RATE <= audio.rate <= _HIGHEST_RATE:
        raise DataError(f"{name} has the rate {audio.rate!r}. Give the samples of a second, such as 16000.")
    if samples.size == 0:
        raise DataError(f"{name} holds no sound. Leave the sample out or get the file again.")
    channels = len(samples) if samples.ndim == 2 else 1
    if samples.ndim not in (1, 2) or channels > min(_MOST_CHANNELS, samples.shape[-1]):
        raise DataError(
            f"{name} must be (T,) or (channels, T), not {samples.shape}. Transpose (T, channels): samples.T"
        )
    if not np.isfinite(samples).all():
        raise DataError(f"{name} holds samples that are not finite numbers. Get the file again.")
    if (peak := float(np.abs(samples, dtype=np.float64).max())) > LOUDEST:
        raise DataError(
            f"{name} holds samples as large as {peak:.4g}, and sound lies in -1..1. Divide 16-bit samples by "
            "32768; get a broken file again."
        )


def mix(audio: Audio, seconds: float = math.inf) -> np.ndarray:
    """Return the first `seconds` of decoded audio as mono, the mean of its channels, (T,) float32."""
    length = None if seconds == math.inf else math.ceil(seconds * audio.rate)
    samples = np.asarray(audio.samples, dtype=np.float32)[..., :length]
    return samples if samples.ndim == 1 else samples.mean(axis=0)


def _rgb_array(image: np.ndarray) -> np.ndarray:
    channels = image.shape[2] if image.ndim == 3 else 1
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or channels not in (1, 3, 4) or not image.size:
        raise DataError(
            f"expected a picture (H, W, 3) uint8, got {image.shape} {image.dtype}. Transpose (3, H, W), and "
            "multiply colours in 0..1 by 255."
        )
    grey_or_colour = image.reshape(*image.shape[:2], channels)[..., :3]
    return np.array(np.broadcast_to(grey_or_colour, (*image.shape[:2], 3)))


def upright_rgb(image: Image.Image) -> np.ndarray:
    """Return a picture of Pillow's as (H, W, 3) uint8, converted as `read_image` converts files."""
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):  # Pillow's own conversion clips 16 bits to white.
        image = Image.fromarray(np.clip(np.asarray(image) // 257, 0, 255).astype(np.uint8))
    if "transparency" in image.info:
        image = image.convert("RGBA")
    return np.array(image.convert("RGB"))
