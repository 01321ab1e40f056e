"""The sound around each moment of a video, from a stream that is read once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from avprompt.records import Audio


class SoundWindows:
    """Windows of the sound, all of one length, around moments in the order of time.

    A window lies half before and half after its moment, and is moved where it would reach beyond the video.
    Where the video has no sound, there is silence.
    """

    def __init__(self, pieces: Iterator[np.ndarray], rate: int, seconds: float, length: float) -> None:
        """Begin to read.

        Args:
            pieces: of the sound from the first moment on, (channels, T) each, without gaps.
            rate: of the pieces, Hz.
            seconds: length of a window.
            length: of the video, seconds; no window is longer.
        """
        self.rate, self.seconds, self.length = rate, min(seconds, length), length
        self._pieces = pieces
        self._first = 0  # the sample that `_kept` begins with
        self._kept = np.zeros(0, np.float32)

    def around(self, time: float) -> Audio:
        """Return the window around a moment, not earlier than the one before; mono (T,)."""
        start = min(max(0.0, time - self.seconds / 2), self.length - self.seconds)
        first, size = round(start * self.rate), max(1, round(self.seconds * self.rate))
        self._read(first + size)
        self._kept = self._kept[max(0, first - self._first) :]
        self._first = first
        window = np.zeros(size, np.float32)
        window[: len(self._kept)] = self._kept[:size]
        return Audio(window, self.rate)

    def _read(self, end: int) -> None:
        """Read up to a sample, as far as there is sound."""
        pieces, reached = [self._kept], self._first + len(self._kept)
        while reached < end and (piece := next(self._pieces, None)) is not None:
            pieces.append(piece.mean(axis=0, dtype=np.float32))
            reached += piece.shape[1]
        self._kept = np.concatenate(pieces)
