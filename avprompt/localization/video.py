"""The pictures and the sound of a video, piece by piece: nothing here holds more than a few of them.

Times are seconds from the first picture. Pictures are upright, with square pixels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from avprompt.data.sources import naming
from avprompt.data.video import (
    Turn,
    moving_picture,
    picture_length,
    picture_start,
    shown_at,
    turn_of,
    upright,
)
from avprompt.errors import DataError

_JITTER = 0.03
"""Seconds that the clock of a piece of sound may be off."""


@dataclass(frozen=True)
class Video:
    """What is known of a video before its pictures are decoded.

    Attributes:
        path: of the file.
        seconds: from the first picture to the end of the last.
        start: when the first picture is shown, on the clock of the file.
        rate: pictures a second, on average.
        time_base: all times of pictures are multiples of it, seconds.
        sound_rate: samples a second of its sound.
        channels: of its sound.
    """

    path: Path
    seconds: float
    start: float
    rate: Fraction
    time_base: Fraction
    sound_rate: int
    channels: int

    @classmethod
    def of(cls, path: Path) -> Video:
        """Look at a file.

        Raises:
            DataError: it is missing or broken, or has no picture or no sound.
        """
        with naming(path, "video"), av.open(path) as container:
            stream = moving_picture(container, path)
            if stream is None:
                raise DataError(f"{path} has no picture in it.")
            if not container.streams.audio:
                raise DataError(
                    f"{path} has no sound track, so nothing can be looked for. Take a video with its "
                    "sound, or a picture with --audio WAV."
                )
            rate = stream.average_rate or stream.guessed_rate or Fraction(25)
            base, sound = stream.time_base or Fraction(1, 90_000), container.streams.audio[0]
            rate_of_sound, channels = sound.rate, sound.codec_context.channels
        start = picture_start(path)
        if start is None:
            raise DataError(f"{path} has no picture in it.")
        seconds = picture_length(path)
        return cls(path, seconds, start, Fraction(rate), Fraction(base), rate_of_sound, channels)

    def pictures(self) -> Iterator[Picture]:
        """Yield every picture in the order of time; one that is not later than the last is left out."""
        last = -1
        with naming(self.path, "video"), av.open(self.path) as container:
            stream = moving_picture(container, self.path)
            stream.thread_type = "AUTO"
            ratio, turn = float(stream.sample_aspect_ratio or 1), None
            for frame in container.decode(stream):
                turn = turn or turn_of(frame)
                tick = round((shown_at(frame, self.path) - self.start) / self.time_base)
                if tick > last:
                    last = tick
                    yield Picture(tick * self.time_base, _square(frame, ratio, turn))

    def sound(self, rate: int, layout: str | None = None) -> Iterator[np.ndarray]:
        """Yield the sound from the first picture on as pieces (channels, T) float32 in -1..1, without a gap.

        What is heard before the first picture is cut off, and silence fills the times that have no sound.

        Args:
            rate: samples a second.
            layout: of the channels, `mono` or `stereo`; those that there are unless given.
        """
        resampler = av.AudioResampler(format="fltp", layout=layout, rate=rate)
        reached = 0  # samples
        with naming(self.path, "sound"), av.open(self.path) as container:
            for decoded in container.decode(container.streams.audio[0]):
                late = shown_at(decoded, self.path) - self.start - reached / rate
                if reached / rate + late > self.seconds:
                    return
                for frame in resampler.resample(decoded):
                    for piece in _placed(frame.to_ndarray(), round(late * rate), rate):
                        yield piece
                        reached += piece.shape[1]
                    late = 0.0


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture (H, W, 3) uint8 of a video, shown from `time` on."""

    time: Fraction
    image: np.ndarray


def on_screen(pictures: Iterable[Picture], times: Iterable[float]) -> Iterator[np.ndarray]:
    """Yield what is on the screen at each of some rising times, from 0 on; the last picture stays."""
    pictures = iter(pictures)
    shown = next(pictures)
    coming = next(pictures, None)
    for time in times:
        while coming is not None and coming.time <= time + 1e-6:
            shown, coming = coming, next(pictures, None)
        yield shown.image


def _placed(samples: np.ndarray, late: int, rate: int) -> Iterator[np.ndarray]:
    """Yield a piece of sound with silence before it where it is late, without its begin where it is early."""
    if abs(late) < _JITTER * rate:
        late = 0
    for begin in range(0, late, rate):
        yield np.zeros((len(samples), min(rate, late - begin)), np.float32)
    if samples.shape[1] > -late:
        yield samples[:, max(0, -late) :]


def _square(frame: Any, ratio: float, turn: Turn) -> np.ndarray:
    """Return a frame upright, wider or narrower where its pixels are not square."""
    image = upright(frame, turn)
    if ratio == 1:
        return image
    wide, (height, width) = max(2, round(frame.width * ratio)), image.shape[:2]
    size = (wide, height) if width == frame.width else (width, wide)
    return np.asarray(Image.fromarray(image).resize(size))
