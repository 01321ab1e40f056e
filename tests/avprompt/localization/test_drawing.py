"""Videos with heat: as long, as fast, upright and with the sound that they had."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from avprompt.data.media import load_audio
from avprompt.errors import DataError
from avprompt.localization.drawing import draw_video
from avprompt.localization.maps import TimedMap
from avprompt.localization.video import Video
from mediafiles import save_clip, save_video, show_as, tone

TENTHS = tuple(k / 10 for k in range(10))
WAVE = tone(1.0)[None]


def draw(path: Path, output: Path | None = None) -> Path:
    """Draw a video with one cold map, so that its pictures come out as they were."""
    output = output or path.with_name("drawn.mp4")
    draw_video(Video.of(path), iter([cold(0)]), output, threshold=0.5)
    return output


def cold(time: float) -> TimedMap:
    return TimedMap(time, np.zeros((8, 8), np.float32), 0.5)


def pictures(path: Path) -> list[tuple[float, np.ndarray]]:
    with av.open(path) as container:
        return [(frame.time, frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]


def test_pictures_keep_their_times_and_what_they_show(tmp_path: Path) -> None:
    drawn = pictures(draw(save_clip(tmp_path / "clip.mp4", sound=WAVE)))
    assert [time for time, _ in drawn] == pytest.approx(TENTHS)
    for k, (_, image) in enumerate(drawn):
        assert image.shape[1] == 96
        assert image.shape[0] > 64, "a band stands below"
        assert image[:28, :44].mean() == pytest.approx(235, abs=6)
        assert image[36:60, 52:].mean() == pytest.approx(20 + 10 * k, abs=6)


def test_a_rate_that_varies_stays_as_it_is(tmp_path: Path) -> None:
    times = (0, 0.033, 0.1, 0.4, 0.433, 0.9)
    clip = save_clip(tmp_path / "clip.mkv", times, sound=WAVE)
    drawn = pictures(draw(clip))
    assert [time for time, _ in drawn] == pytest.approx(times, abs=0.002)
    assert drawn[3][1][36:60, 52:].mean() == pytest.approx(50, abs=6), (
        "the fourth picture is shown from 0.4 s on"
    )


def test_the_length_is_that_of_the_video(tmp_path: Path) -> None:
    clip = save_clip(tmp_path / "clip.mp4", sound=WAVE)
    assert Video.of(draw(clip)).seconds == pytest.approx(Video.of(clip).seconds, abs=0.01)


@pytest.mark.parametrize(
    ("matrix", "size", "corner"),
    [
        ((0, 1, -1, 0), (64, 96), (slice(4, 44), slice(36, 60))),  # turned right: upper left is upper right
        ((0, -1, 1, 0), (64, 96), (slice(52, 92), slice(4, 28))),  # turned left
        ((-1, 0, 0, -1), (96, 64), (slice(36, 60), slice(52, 92))),  # upside down
    ],
)
def test_turned_telephones_are_upright(
    tmp_path: Path, matrix: tuple[int, int, int, int], size: tuple[int, int], corner: tuple[slice, slice]
) -> None:
    clip = show_as(save_clip(tmp_path / "clip.mp4", sound=WAVE), matrix)
    (_, image), *_ = pictures(draw(clip))
    assert image.shape[1] == size[0]
    assert image[corner].mean() == pytest.approx(235, abs=6)
    assert image[: size[1]].mean() < 110, "the rest is dark"
    with av.open(tmp_path / "drawn.mp4") as container:
        assert next(container.decode(video=0)).rotation == 0


def test_odd_sides_are_evened(tmp_path: Path) -> None:
    path = tmp_path / "clip.mkv"
    with av.open(path, "w") as container:
        stream = container.add_stream("ffv1", rate=10, width=95, height=63, pix_fmt="bgr0")
        sound = container.add_stream("aac", rate=16_000, layout="mono")
        for _ in range(3):
            container.mux(
                stream.encode(av.VideoFrame.from_ndarray(np.full((63, 95, 3), 90, np.uint8), "rgb24"))
            )
        container.mux(stream.encode(None))
        frame = av.AudioFrame.from_ndarray(tone(0.3)[None], "fltp", "mono")
        frame.sample_rate = 16_000
        container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
    (_, image), *_ = pictures(draw(path))
    assert image.shape[1] == 96
    assert image.shape[0] % 2 == 0
    assert image[:60, :92].mean() == pytest.approx(90, abs=4)


def test_pixels_become_square(tmp_path: Path) -> None:
    clip = save_clip(tmp_path / "clip.mkv", size=(96, 96), sound=WAVE, pixels=Fraction(4, 3))
    assert pictures(draw(clip))[0][1].shape[1] == 128


class TestSound:
    @pytest.mark.parametrize(("channels", "rate"), [(1, 16_000), (2, 44_100), (1, 48_000)])
    def test_is_what_it_was(self, tmp_path: Path, channels: int, rate: int) -> None:
        wave = np.stack([tone(1.0, 440, rate), tone(1.0, 880, rate)])[:channels]
        clip = save_clip(tmp_path / "clip.mp4", sound=wave, rate=rate)
        before, after = load_audio(clip), load_audio(draw(clip))
        assert (after.rate, len(after.samples)) == (rate, channels)
        middle = slice(rate // 4, 3 * rate // 4)
        for was, now in zip(before.samples, after.samples, strict=True):
            assert np.corrcoef(was[middle], now[middle])[0, 1] > 0.99, "the same wave at the same time"

    @pytest.mark.parametrize("begin", [0.35, -0.35])
    def test_stays_with_the_picture(self, tmp_path: Path, begin: float) -> None:
        """It begins after or before the first picture, of a file whose clock does not begin at 0."""
        heard = np.concatenate([tone(0.6), np.zeros(16_000, np.float32)])
        clip = save_video(tmp_path / "clip.mkv", 50, start=3.0, sound_start=3.0 + begin, heard=heard)
        samples = load_audio(draw(clip)).samples[0]
        loud = np.flatnonzero(np.abs(samples) > 0.25) / 16_000
        assert loud.max() == pytest.approx(0.6 + begin, abs=0.02)
        assert loud.min() == pytest.approx(max(0, begin), abs=0.02)

    def test_may_be_shorter_than_the_picture(self, tmp_path: Path) -> None:
        clip = save_clip(tmp_path / "clip.mp4", sound=WAVE[:, :4000])
        assert len(pictures(draw(clip))) == 10

    def test_must_be_there(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"clip.mp4 has no sound track, so nothing can be looked for"):
            draw(save_clip(tmp_path / "clip.mp4"))


def test_what_is_no_video_is_named(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"nothing of the kind")
    with pytest.raises(DataError, match=r"clip.mp4 is not a video that can be read"):
        draw(tmp_path / "clip.mp4")


@pytest.mark.parametrize("error", [KeyboardInterrupt, DataError])
def test_nothing_is_left_of_a_video_that_broke_off(tmp_path: Path, error: type[BaseException]) -> None:
    def maps() -> Iterator[TimedMap]:
        yield cold(0)
        yield cold(0.3)
        raise error

    clip = save_clip(tmp_path / "clip.mp4", sound=WAVE)
    output = tmp_path / "out" / "drawn.mp4"
    with pytest.raises(error):
        draw_video(Video.of(clip), maps(), output, threshold=0.5)
    assert list(output.parent.iterdir()) == []


def test_maps_behind_the_last_picture_are_made_too(tmp_path: Path) -> None:
    """Whoever keeps them wants all."""
    maps = (cold(k / 4) for k in range(20))
    clip = save_clip(tmp_path / "clip.mp4", sound=WAVE)
    draw_video(Video.of(clip), maps, tmp_path / "drawn.mp4", threshold=0.5)
    assert next(maps, None) is None


def test_pictures_are_let_go_of_without_the_garbage_collector(tmp_path: Path) -> None:
    """A long video would fill the memory before it comes round."""
    video = Video.of(save_clip(tmp_path / "clip.mp4", [k / 10 for k in range(20)], sound=WAVE))
    gc.collect()
    gc.disable()
    try:
        for _ in video.pictures():
            alive = sum(type(thing) is av.VideoFrame for thing in gc.get_objects())
            assert alive <= 6
    finally:
        gc.enable()


def test_heat_follows_the_maps(tmp_path: Path) -> None:
    """It rises from the first map to the second, and what is not hot does not change."""
    hot = TimedMap(0.8, np.pad(np.ones((4, 4), np.float32), ((4, 0), (4, 0))), 0.5)
    clip = save_clip(tmp_path / "clip.mp4", [0.0, 0.2, 0.4, 0.6, 0.8], sound=WAVE)
    draw_video(Video.of(clip), iter([cold(0), hot]), tmp_path / "drawn.mp4", threshold=0.99)
    light = [
        image[44:60, 60:92].mean() - 10 * k for k, (_, image) in enumerate(pictures(tmp_path / "drawn.mp4"))
    ]
    assert light == sorted(light)
    assert light[-1] > light[0] + 50
    assert pictures(tmp_path / "drawn.mp4")[-1][1][4:24, 4:40].mean() == pytest.approx(235, abs=6)
