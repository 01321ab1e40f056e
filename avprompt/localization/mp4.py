"""Writing a video: H.264 pictures at the times that they have, and the sound of another video as AAC."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.error import FFmpegError
from PIL import Image

from avprompt.errors import DataError
from avprompt.localization.video import Video

_ENCODER = "libx264"
_QUALITY = {"preset": "veryfast", "crf": "20", "bf": "0", "rc-lookahead": "2"}  # little memory for 4K
_SOUND_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 64_000, 88_200, 96_000)
_FAST_START = {"movflags": "+faststart"}  # a browser can begin before it has all


class Mp4:
    """A video that is being written; see `writing`."""

    def __init__(self, container: Any, source: Video, size: tuple[int, int]) -> None:
        self._container, self._source = container, source
        self._pictures = container.add_stream(_ENCODER, rate=source.rate, options=_QUALITY)
        self._pictures.width, self._pictures.height = size
        self._pictures.pix_fmt = "yuv420p"
        self._pictures.codec_context.time_base = source.time_base
        self._rate = source.sound_rate if source.sound_rate in _SOUND_RATES else 48_000
        self._layout = "mono" if source.channels == 1 else "stereo"
        self._sound = container.add_stream("aac", rate=self._rate, layout=self._layout)
        self._pieces = source.sound(self._rate, self._layout)
        self._heard = 0  # samples

    def add(self, time: Fraction, picture: Image.Image) -> None:
        """Write a picture of even width and height, shown from `time` on, and the sound until then."""
        frame = av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24")
        frame.time_base = self._source.time_base
        frame.pts = round(time / self._source.time_base)
        self._add_sound(float(time))
        self._container.mux(self._pictures.encode(frame))

    def close(self) -> None:
        """Write what is left of the sound, and what the encoders hold back."""
        self._add_sound(self._source.seconds)
        self._container.mux(self._pictures.encode(None))
        self._container.mux(self._sound.encode(None))

    def _add_sound(self, until: float) -> None:
        while self._heard < until * self._rate and (piece := next(self._pieces, None)) is not None:
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(piece), "fltp", self._layout)
            frame.sample_rate, frame.time_base, frame.pts = self._rate, Fraction(1, self._rate), self._heard
            self._heard += piece.shape[1]
            self._container.mux(self._sound.encode(frame))


@contextmanager
def writing(path: Path, source: Video, size: tuple[int, int]) -> Iterator[Mp4]:
    """Open a video to write to.

    Args:
        path: of the file, whatever its suffix.
        source: whose sound, rate and clock it has.
        size: (width, height), both even.

    Raises:
        DataError: FFmpeg cannot write it.
    """
    if _ENCODER not in av.codecs_available:
        raise DataError(
            "The installed PyAV cannot write H.264. Install it from PyPI: pip install --force-reinstall av"
        )
    try:
        with av.open(path, "w", format="mp4", options=_FAST_START) as container:
            video = Mp4(container, source, size)
            yield video
            video.close()
    except FFmpegError as error:
        if isinstance(error, OSError) and error.errno:
            raise
        raise DataError(f"{source.path} cannot be written as mp4: {error}.") from error
