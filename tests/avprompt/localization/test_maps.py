"""Maps over time: counted, smoothed and interpolated, and never more of them than needed."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from avprompt.errors import ConfigError
from avprompt.localization.maps import Interpolation, TimedMap, Timing, checked_timing, smoothed
from avprompt.localization.video import Picture, Video, on_screen
from avprompt.records import Audio
from mediafiles import save_clip, tone

LEVELS = np.random.default_rng(0).random(9)


def a_map(time: float, level: float) -> TimedMap:
    return TimedMap(time, np.full((2, 3), level, np.float32), level / 2)


def maps() -> Iterator[TimedMap]:
    yield from (a_map(k / 4, level) for k, level in enumerate(LEVELS))


@pytest.mark.parametrize("reach", [0, 1, 3, 4, 8, 20])
def test_smoothing_is_a_mean_over_neighbours(reach: int) -> None:
    smooth = list(smoothed(maps(), reach))
    assert [each.time for each in smooth] == [k / 4 for k in range(9)]
    for k, each in enumerate(smooth):
        mean = LEVELS[max(0, k - reach) : k + reach + 1].mean()
        np.testing.assert_allclose(each.heatmap, mean, rtol=1e-5)
        assert each.confidence == pytest.approx(mean / 2)


def test_smoothing_looks_no_further_ahead_than_it_must() -> None:
    source = maps()
    next(smoothed(source, 2))
    assert next(source).time == 3 / 4, "0, 1 and 2 quarters were taken"


def test_between_two_maps_is_a_map_between_them() -> None:
    between = Interpolation(iter([a_map(0, 0.2), a_map(1, 0.6), a_map(2, 0.4)]))
    levels = [
        (between.at(time).heatmap[0, 0], between.at(time).confidence) for time in (0, 0.25, 1, 1.5, 2, 9)
    ]
    assert [level for level, _ in levels] == pytest.approx([0.2, 0.3, 0.6, 0.5, 0.4, 0.4])
    assert [confidence for _, confidence in levels] == pytest.approx([0.1, 0.15, 0.3, 0.25, 0.2, 0.2])


def test_interpolation_takes_no_map_before_its_time() -> None:
    source = maps()
    between = Interpolation(source)
    between.at(0.1)
    assert next(source).time == 2 / 4


def test_the_picture_on_the_screen_is_the_last_that_was_shown() -> None:
    shown = (Picture(Fraction(time, 10), np.full((1, 1, 3), time, np.uint8)) for time in (0, 3, 4, 9))
    assert [image[0, 0, 0] for image in on_screen(shown, [0, 0.25, 0.3, 0.45, 0.9, 2])] == [0, 0, 3, 4, 9, 9]


def test_each_map_is_of_its_own_picture_and_sound(tmp_path: Path) -> None:
    """The sound is loud in its second half only."""
    heard = np.concatenate([0 * tone(0.5), tone(0.5)])[None]
    video = Video.of(save_clip(tmp_path / "clip.mp4", sound=heard))

    def locate(image: np.ndarray, sound: Audio) -> tuple[np.ndarray, float]:
        return image[-4:, -4:, 0] / np.float32(255), float(np.abs(sound.samples).max())

    told = list(Timing(fps=5).maps(video, locate, seconds=0.2))
    assert [each.time for each in told] == [0, 0.2, 0.4, 0.6, 0.8]
    assert [255 * each.heatmap.mean() for each in told] == pytest.approx([20, 40, 60, 80, 100], abs=6)
    assert [each.confidence > 0.3 for each in told] == [False, False, False, True, True]


@pytest.mark.parametrize(("fps", "count"), [(10, 10), (4, 4), (1, 1), (0.1, 1), (30, 30)])
def test_maps_of_a_second_are_counted(tmp_path: Path, fps: float, count: int) -> None:
    video = Video.of(save_clip(tmp_path / "clip.mp4", sound=tone(1.0)[None]))
    assert Timing(fps=fps).count(video) == count


@pytest.mark.parametrize(
    ("fps", "smooth", "message"),
    [
        (0, 0, "fps must be a number from 0.01 to 240, not 0"),
        ("4", 0, "fps must be a number from 0.01 to 240, not '4'"),
        (float("nan"), 0, "fps must be a number"),
        (True, 0, "fps must be a number"),
        (4, 61, "smooth must be a number from 0 to 60, not 61"),
    ],
)
def test_numbers_that_are_none(fps: float, smooth: float, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        checked_timing(fps, smooth)
