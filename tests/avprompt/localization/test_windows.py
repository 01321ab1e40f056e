"""The sound around a moment."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from avprompt.localization.windows import SoundWindows

RAMP = np.arange(100, dtype=np.float32)  # ten samples a second: sample k is heard from k / 10 s on


def pieces(samples: np.ndarray = RAMP, size: int = 7) -> Iterator[np.ndarray]:
    for begin in range(0, len(samples), size):
        yield samples[None, begin : begin + size]


@pytest.mark.parametrize(
    ("time", "first"),
    [(0, 0), (0.5, 0), (1, 0), (3, 20), (5.5, 45), (8.9, 79), (9, 80), (10, 80)],
)
def test_it_lies_half_before_and_half_after_and_never_beyond_the_video(time: float, first: int) -> None:
    window = SoundWindows(pieces(), 10, seconds=2, length=10).around(time)
    np.testing.assert_array_equal(window.samples, RAMP[first : first + 20])
    assert window.rate == 10


def test_windows_follow_each_other() -> None:
    windows = SoundWindows(pieces(), 10, seconds=2, length=10)
    for time in np.arange(0, 10, 0.3):
        first = round(10 * min(max(0, time - 1), 8))
        np.testing.assert_array_equal(windows.around(time).samples, RAMP[first : first + 20])


def test_channels_are_mixed_by_their_mean() -> None:
    stereo = iter([np.stack([RAMP, 3 * RAMP])])
    np.testing.assert_array_equal(SoundWindows(stereo, 10, 1, 10).around(5).samples, 2 * RAMP[45:55])


def test_silence_follows_where_the_sound_ends_before_the_picture() -> None:
    windows = SoundWindows(pieces(RAMP[:50]), 10, seconds=2, length=10)
    np.testing.assert_array_equal(windows.around(5).samples, [*RAMP[40:50], *10 * [0]])
    np.testing.assert_array_equal(windows.around(9).samples, 20 * [0])


def test_a_window_is_no_longer_than_the_video() -> None:
    assert SoundWindows(pieces(RAMP[:30]), 10, seconds=10, length=3).around(1).samples.tolist() == [
        *range(30)
    ]


def test_only_what_is_needed_is_kept() -> None:
    read = []

    def counted() -> Iterator[np.ndarray]:
        for piece in pieces():
            read.append(piece)
            yield piece

    windows = SoundWindows(counted(), 10, seconds=2, length=10)
    windows.around(4)
    assert len(read) * 7 < 50 + 7, "nothing is read ahead"
    assert len(windows._kept) < 20 + 7, "nothing is kept behind"
