"""Frames and sounds of videos, on one clock that starts with the first picture.

Files that were cut out of longer ones keep the clock of the whole: their pictures need not start at 0,
and sound and picture need not start together.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.stream import Disposition

from avprompt.data.sources import limit_pixels, naming, opened
from avprompt.errors import DataError
from avprompt.records import Audio, FileSource

_STILL = Disposition.attached_pic | Disposition.timed_thumbnails
"""Video streams that are none: the cover of a recording."""

Turn = tuple[bool, int]
"""Whether pictures are mirrored, left to right, and then by how many quarters they are turned to the left."""

LONGEST_GAP = 600.0
"""Seconds from the first picture to the first sound; a clock that says more is broken."""


def read_frame(path: Path, frame: int, rate: float | None = None) -> np.ndarray:
    """Return one frame (H, W, 3) uint8 of a video, upright.

    Args:
        path: of the video.
        frame: index from 0, the first picture.
        rate: frames per second to count in, as if the video were re-encoded at that rate; None
            counts the frames that are there.

    Raises:
        DataError: the file is missing or broken, or has no such frame.
    """
    shown, reached = None, -1
    with naming(path, "video"), av.open(path) as container:
        stream = moving_picture(container, path)
        if stream is None:
            raise DataError(f"{path} has no picture in it.")
        for reached, picture in _numbered(container.decode(stream), rate, path):
            if reached > frame:
                break  # The one before is still on the screen.
            shown = picture
        if shown is None or reached < frame:
            raise DataError(f"{path} ends at frame {reached}, before frame {frame}. Choose an earlier one.")
        return upright(shown)


def picture_length(path: Path, enough: float = math.inf) -> float:
    """Return how long the picture of a video lasts, seconds, `enough` where that is reached.

    The time stamps of the pictures are read. What the header says may be the length of the sound, and the
    file may have been cut off.

    Raises:
        DataError: the file is missing or broken, or has no picture.
    """
    start, end = math.inf, -math.inf
    with naming(path, "video"), av.open(path) as container:
        stream = moving_picture(container, path)
        for packet in container.demux(stream) if stream else ():
            if packet.pts is None or packet.is_discard:
                continue
            start = min(start, float(packet.pts * packet.time_base))
            end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
            if end - start >= enough:
                return enough
    if start > end:
        raise DataError(f"{path} has no picture in it.")
    return end - start


def load_sound(source: FileSource, seconds: float = math.inf) -> Audio:
    """Return the sound of a file that FFmpeg reads, (channels, T): at least its first `seconds`.

    In a video the sound begins with the first picture. What was to be heard before is cut off; silence
    leads sound that begins later.

    Raises:
        DataError: the file is missing or broken, or has no sound beside its picture.
    """
    picture = picture_start(source)
    planar = av.AudioResampler(format="fltp")
    with naming(source, "sound"), av.open(opened(source), "r") as container:
        if not container.streams.audio:
            raise DataError(f"{source} has no sound in it.")
        stream = container.streams.audio[0]
        frames = container.decode(stream)
        first = next(frames, None)
        if first is None:
            return Audio(np.zeros((1, 0), np.float32), stream.rate)
        lead = 0.0 if picture is None else shown_at(first, source) - picture
        if lead >= min(seconds, LONGEST_GAP):
            raise DataError(f"{source} has no sound before {lead:.2f} s of its picture. Leave the clip out.")
        late, chunks = round(lead * first.sample_rate), []  # samples
        length = late
        for frame in chain([first], frames):
            chunks += [part.to_ndarray() for part in planar.resample(frame)]
            length += frame.samples
            if length >= seconds * first.sample_rate:
                break
        samples = np.concatenate(chunks, axis=1)[:, max(0, -late) :]
        if samples.size == 0:
            raise DataError(f"{source} has all of its sound before its first picture. Leave the clip out.")
        return Audio(np.pad(samples, ((0, 0), (max(0, late), 0))), first.sample_rate)


def picture_start(source: FileSource) -> float | None:
    """Return when the first picture is shown, seconds on the file's own clock; None where there is none."""
    with naming(source, "sound"), av.open(opened(source), "r") as container:
        stream = moving_picture(container, source)
        first = next(container.decode(stream), None) if stream else None
        return None if first is None else shown_at(first, source)


def moving_picture(container: Any, source: FileSource) -> Any:
    """Return the first video stream that is no cover picture, or None."""
    stream = next((stream for stream in container.streams.video if not stream.disposition & _STILL), None)
    if stream is not None:
        limit_pixels(source, stream.codec_context.width, stream.codec_context.height)
    return stream


def _numbered(
    pictures: Iterable[av.VideoFrame], rate: float | None, path: Path
) -> Iterator[tuple[int, av.VideoFrame]]:
    """Yield pictures with their numbers, on the clock of the first one where there is a rate."""
    if rate is None:
        yield from enumerate(pictures)
        return
    start = None
    for picture in pictures:
        time = shown_at(picture, path)
        start = time if start is None else start
        yield round((time - start) * rate), picture


def shown_at(frame: Any, source: FileSource) -> float:
    """Return when a picture or a piece of sound is due, seconds on the file's own clock."""
    if frame.time is None:
        raise DataError(
            f"{source} does not say when its pictures and sounds are due. Convert it: ffmpeg -i FILE new.mp4"
        )
    return float(frame.time)


def turn_of(picture: av.VideoFrame) -> Turn:
    """Return how a picture must be turned to be upright, as the telephone wrote beside the pixels.

    PyAV's side data and its picture hold each other, so that only the garbage collector frees them: of a long
    video, ask the first picture, and free others at once.
    """
    try:
        matrix: Any = picture.side_data.get("DISPLAYMATRIX")
    except ValueError:  # PyAV meets side data of a kind that it has no name for.
        return False, round(picture.rotation / 90)
    if matrix is None:
        return False, 0
    a, b, _, c, d = (int(value) for value in np.frombuffer(matrix, dtype=np.int32)[:5])
    mirrored = a * d - b * c < 0  # (x, y) is shown at (ax + cy, bx + dy): this one is seen in a mirror.
    if mirrored:
        a, b = -a, -b
    return mirrored, round(-math.atan2(b, a) / (math.pi / 2))


def upright(picture: av.VideoFrame, turn: Turn | None = None) -> np.ndarray:
    """Return a picture (H, W, 3) uint8 mirrored and turned; by its own side data unless `turn` is given."""
    mirrored, quarters = turn_of(picture) if turn is None else turn
    image: np.ndarray = picture.to_ndarray(format="rgb24")
    if mirrored:
        image = image[:, ::-1]
    return np.rot90(image, quarters).copy() if mirrored or quarters % 4 else image
