"""Maps over time: some a second, smoothed and interpolated, each made when it is asked for."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from numbers import Real

import numpy as np

from avprompt.errors import ConfigError
from avprompt.localization.video import Video, on_screen
from avprompt.localization.windows import SoundWindows
from avprompt.records import Audio

FPS = 4.0
"""Maps a second unless the user says otherwise."""

Locate = Callable[[np.ndarray, Audio], tuple[np.ndarray, float]]
"""Of a picture (H, W, 3) uint8 and a sound: the heatmap (h, w) in 0..1 and the confidence in -1..1."""


@dataclass(frozen=True, eq=False)
class TimedMap:
    """Where the sound comes from at one moment of a video.

    Attributes:
        time: seconds from the first picture.
        heatmap: (h, w) float32 in 0..1.
        confidence: larger where the method believes that the source is visible, a cosine in -1..1.
    """

    time: float
    heatmap: np.ndarray
    confidence: float


@dataclass(frozen=True)
class Timing:
    """How maps follow each other.

    Attributes:
        fps: maps a second.
        smooth: seconds over which they are averaged; 0 for none.
    """

    fps: float = FPS
    smooth: float = 0.0

    def count(self, video: Video) -> int:
        """Return how many maps a video has, at 0, 1 / fps, 2 / fps, ... seconds."""
        return max(1, math.ceil(video.seconds * self.fps - 1e-6))

    def maps(self, video: Video, locate: Locate, seconds: float) -> Iterator[TimedMap]:
        """Yield the maps of a video, with so many seconds of sound around each."""
        times = [number / self.fps for number in range(self.count(video))]
        maps = video_maps(video, locate, times, seconds)
        return smoothed(maps, round(self.smooth * self.fps / 2))


def checked_timing(fps: float, smooth: float) -> Timing:
    """Return what a user gives as a `Timing`, or say why it is none."""
    for name, value, least, most in (("fps", fps, 0.01, 240), ("smooth", smooth, 0, 60)):
        if not isinstance(value, Real) or isinstance(value, bool) or not least <= value <= most:
            raise ConfigError(f"{name} must be a number from {least} to {most}, not {value!r}.")
    return Timing(float(fps), float(smooth))


def video_maps(video: Video, locate: Locate, times: Sequence[float], seconds: float) -> Iterator[TimedMap]:
    """Yield a map of the picture on the screen and of the sound around it, at each of some rising times."""
    windows = SoundWindows(video.sound(video.sound_rate), video.sound_rate, seconds, video.seconds)
    for time, image in zip(times, on_screen(video.pictures(), times), strict=True):
        yield TimedMap(time, *locate(image, windows.around(time)))


def smoothed(maps: Iterator[TimedMap], reach: int) -> Iterator[TimedMap]:
    """Yield the mean of each map, of `reach` maps before it and as many after it; fewer at both ends."""
    near: deque[TimedMap] = deque()
    before = 0  # of those near, how many lie before the next one to yield
    for coming in chain(maps, [None] * reach):
        if coming is not None:
            near.append(coming)
        if len(near) > before + reach or (coming is None and len(near) > before):
            yield _mean(near, near[before].time)
            if before < reach:
                before += 1
            else:
                near.popleft()


def seen(maps: Iterator[TimedMap], on_map: Callable[[TimedMap], None] | None) -> Iterator[TimedMap]:
    """Yield maps, each after it was shown to somebody."""
    for each in maps:
        if on_map:
            on_map(each)
        yield each


class Interpolation:
    """Maps at any rising times, between the two that are nearest; the first and the last hold beyond."""

    def __init__(self, maps: Iterator[TimedMap]) -> None:
        self._maps = maps
        self._before = next(maps)
        self._after = next(maps, None)

    def at(self, time: float) -> TimedMap:
        """Return the map at a time, not earlier than the one before."""
        while self._after is not None and self._after.time <= time:
            self._before, self._after = self._after, next(self._maps, None)
        before, after = self._before, self._after
        if after is None or time <= before.time:
            return TimedMap(time, before.heatmap, before.confidence)
        share = (time - before.time) / (after.time - before.time)
        heatmap = before.heatmap + np.float32(share) * (after.heatmap - before.heatmap)
        return TimedMap(time, heatmap, before.confidence + share * (after.confidence - before.confidence))


def _mean(maps: deque[TimedMap], time: float) -> TimedMap:
    total = np.zeros_like(maps[0].heatmap)
    for each in maps:
        total += each.heatmap
    return TimedMap(time, total / np.float32(len(maps)), sum(each.confidence for each in maps) / len(maps))
