"""Frames and sounds of videos: the right ones, upright, on one clock."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from av.stream import Disposition

from avprompt.data.media import load_audio, read_audio, read_image
from avprompt.data.video import load_sound, picture_length, read_frame
from avprompt.errors import DataError
from avprompt.records import Frame
from mediafiles import save_video, show_as


def tone(seconds: float, rate: int, pitch: float = 440.0) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * pitch * np.arange(round(seconds * rate)) / rate).astype(np.float32)


def save_ramp(path: Path, frames: int = 10, rate: int = 25, sound: bool = True, corner: int = 0) -> Path:
    """Write a video whose frame k is grey of level 20 * k, its top left corner brighter by `corner`."""
    with av.open(path, "w") as container:
        pictures = container.add_stream("mpeg4", rate=rate, width=64, height=32, pix_fmt="yuv420p")
        sounds = container.add_stream("aac", rate=16000, layout="mono") if sound else None
        for k in range(frames):
            grey = np.full((32, 64, 3), min(20 * k, 255), dtype=np.uint8)
            grey[:16, :32] += np.uint8(corner)
            container.mux(pictures.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        container.mux(pictures.encode(None))
        if sounds is not None:
            frame = av.AudioFrame.from_ndarray(tone(frames / rate, 16000)[None], "fltp", "mono")
            frame.sample_rate = 16000
            container.mux(sounds.encode(frame))
            container.mux(sounds.encode(None))
    return path


def test_the_sound_of_a_video_is_read(tmp_path: Path) -> None:
    samples = read_audio(save_ramp(tmp_path / "clip.mp4", frames=25), rate=16000, seconds=0.9)
    assert samples.shape == (14400,)
    assert np.abs(samples[4000:]).max() == pytest.approx(0.5, abs=0.1)


def test_frames_are_counted_from_zero(tmp_path: Path) -> None:
    path = save_ramp(tmp_path / "clip.mp4")
    for index in (0, 5, 9):
        assert read_frame(path, index).mean() == pytest.approx(20 * index, abs=4)
    image, audio = read_frame(path, 3), load_audio(path)
    assert image.shape == (32, 64, 3)
    assert image.mean() == pytest.approx(60, abs=4)
    assert audio.rate == 16000
    assert audio.samples.shape[0] == 1
    assert audio.samples.shape[1] >= 6400


def test_frames_can_be_counted_at_another_rate(tmp_path: Path) -> None:
    slow = save_ramp(tmp_path / "slow.mp4", rate=10)
    assert read_frame(slow, 10, rate=25).mean() == pytest.approx(80, abs=4), "0.4 s is frame 4 of 10 a second"
    assert read_frame(slow, 11, rate=25).mean() == pytest.approx(80, abs=4), "still on the screen at 0.44 s"


def test_a_picture_may_be_a_frame_of_a_video(tmp_path: Path) -> None:
    slow = save_ramp(tmp_path / "slow.mp4", rate=10)
    np.testing.assert_array_equal(read_image(Frame(slow, 4)), read_frame(slow, 4))
    np.testing.assert_array_equal(read_image(Frame(slow, 10, 25)), read_frame(slow, 10, rate=25))


@pytest.mark.parametrize(
    ("matrix", "corner"),
    {
        "as it is": ((1, 0, 0, 1), "top left"),
        "a quarter clockwise": ((0, 1, -1, 0), "top right"),
        "a half": ((-1, 0, 0, -1), "bottom right"),
        "a quarter counterclockwise": ((0, -1, 1, 0), "bottom left"),
        "left and right exchanged": ((-1, 0, 0, 1), "top right"),
        "top and bottom exchanged": ((1, 0, 0, -1), "bottom left"),
        "across the diagonal": ((0, 1, 1, 0), "top left"),
        "across the other diagonal": ((0, -1, -1, 0), "bottom right"),
    }.values(),
)
def test_pictures_are_turned_and_mirrored_as_a_telephone_says(
    matrix: tuple[int, int, int, int], corner: str, tmp_path: Path
) -> None:
    image = read_frame(show_as(save_ramp(tmp_path / "a.mp4", frames=1, sound=False, corner=200), matrix), 0)
    assert image.shape == ((32, 64, 3) if matrix[0] else (64, 32, 3))
    height, width = image.shape[0] // 2, image.shape[1] // 2
    corners = {
        "top left": image[:height, :width],
        "top right": image[:height, width:],
        "bottom left": image[height:, :width],
        "bottom right": image[height:, width:],
    }
    assert max(corners, key=lambda name: float(corners[name].mean())) == corner


class TestClock:
    """Time zero is the first picture, whatever the file calls it; the sound is on the same clock."""

    BEEP = np.where(np.arange(96_000) < 80_000, 0, tone(6.0, 16_000))  # silent for the 5 s before the flash

    @pytest.mark.parametrize("start", [0.0, 1.4, 3.0, 30.0])
    @pytest.mark.parametrize("container", ["mp4", "mkv", "ts", "mov"])
    def test_frame_125_is_the_flash(self, container: str, start: float, tmp_path: Path) -> None:
        path = save_video(tmp_path / f"cut.{container}", start=start, heard=self.BEEP)
        assert read_frame(path, 125, rate=25).mean() > 180
        assert read_frame(path, 124, rate=25).mean() < 60
        assert picture_length(path) == pytest.approx(6.0, abs=0.05)
        assert beginning(read_audio(path, 16_000, 6.0)) == pytest.approx(5.0, abs=0.1)

    @pytest.mark.parametrize("sound_start", [2.0, 4.5])
    def test_sound_keeps_its_place_beside_the_picture(self, sound_start: float, tmp_path: Path) -> None:
        path = save_video(tmp_path / "a.mkv", start=3.0, sound_start=sound_start, heard=self.BEEP)
        samples = read_audio(path, 16_000, 10.0)
        assert samples.shape == (160_000,)
        assert beginning(samples) == pytest.approx(sound_start + 5.0 - 3.0, abs=0.1)

    def test_what_is_read_counts_from_the_first_picture(self, tmp_path: Path) -> None:
        path = save_video(tmp_path / "a.mkv", start=3.0, sound_start=1.0)
        whole = load_audio(path)
        part = load_audio(path, seconds=1.0)
        assert whole.samples.shape[1] / whole.rate == pytest.approx(4.0, abs=0.1)
        assert part.samples.shape[1] >= 16_000
        np.testing.assert_array_equal(part.samples[:, :16_000], whole.samples[:, :16_000])

    def test_sound_far_from_the_picture_is_refused(self, tmp_path: Path) -> None:
        before = save_video(tmp_path / "a.mkv", frames=25, start=30.0, sound_start=0.0)
        with pytest.raises(DataError, match=r"a\.mkv has all of its sound before its first picture"):
            load_audio(before)
        after = save_video(tmp_path / "b.mkv", frames=25, start=0.0, sound_start=12.0)
        with pytest.raises(DataError, match=r"b\.mkv has no sound before 1[12]\.\d* s of its picture"):
            read_audio(after, 16_000, 10.0)

    @pytest.mark.parametrize("suffix", ["mp3", "m4a"])
    def test_the_cover_of_a_recording_is_no_video(self, suffix: str, tmp_path: Path) -> None:
        path = save_with_cover(tmp_path / f"song.{suffix}")
        samples = load_sound(path).samples
        assert beginning(samples[0]) == pytest.approx(0.5, abs=0.1), "its own clock"
        with pytest.raises(DataError, match="has no picture in it"):
            read_frame(path, 0)


def beginning(samples: np.ndarray) -> float:
    """When something is heard first, seconds."""
    return float(np.argmax(np.abs(samples) > 0.1)) / 16_000


def save_with_cover(path: Path) -> Path:
    """Half a second of silence, then a tone, and a cover picture."""
    samples = np.concatenate([np.zeros(8000, np.float32), tone(1.0, 16_000)])
    with av.open(path, "w", format="mp4" if path.suffix == ".m4a" else None) as container:
        sounds = container.add_stream("aac" if path.suffix == ".m4a" else "mp3", rate=16_000, layout="mono")
        cover = container.add_stream("mjpeg", rate=1, width=64, height=48, pix_fmt="yuvj420p")
        cover.disposition = Disposition.attached_pic.value
        picture = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 99, np.uint8), format="rgb24")
        container.mux(cover.encode(picture.reformat(format="yuvj420p")))
        container.mux(cover.encode(None))
        frame = av.AudioFrame.from_ndarray(samples[None], "fltp", "mono")
        frame.sample_rate = 16_000
        container.mux(sounds.encode(frame))
        container.mux(sounds.encode(None))
    return path


def test_a_picture_lasts_as_long_as_it_is_shown(tmp_path: Path) -> None:
    longer_sound = save_video(tmp_path / "a.mkv", frames=50, heard=tone(6.0, 16_000))
    assert picture_length(longer_sound) == pytest.approx(2.0, abs=0.05)
    assert picture_length(longer_sound, enough=1.0) == 1.0
    soundfile.write(tmp_path / "tone.wav", tone(0.1, 8000), 8000)
    with pytest.raises(DataError, match=r"tone\.wav has no picture in it"):
        picture_length(tmp_path / "tone.wav")


def test_unusable_videos_are_named(tmp_path: Path) -> None:
    silent = save_ramp(tmp_path / "silent.mp4", sound=False)
    with pytest.raises(DataError, match=r"silent\.mp4 has no sound"):
        load_audio(silent)
    with pytest.raises(DataError, match="ends at frame 9, before frame 10"):
        read_frame(silent, 10)
    soundfile.write(tmp_path / "tone.wav", tone(0.1, 8000), 8000)
    with pytest.raises(DataError, match=r"tone\.wav has no picture"):
        read_frame(tmp_path / "tone.wav", 0)
    silent.write_bytes(silent.read_bytes()[:60])
    with pytest.raises(DataError, match=r"silent\.mp4 is not a video"):
        read_frame(silent, 0)


def test_a_video_too_large_for_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save_ramp(tmp_path / "vast.mp4")
    monkeypatch.setenv("AVPROMPT_MAX_PIXELS", "2000")
    with pytest.raises(DataError, match=r"vast\.mp4 has 64 x 32 pixels, more than 2,000"):
        read_frame(path, 0)


def test_real_clips_are_read(shared: Path) -> None:
    clips = shared / "data" / "clips"
    video = clips / "videos" / "video01camelxxxx_000002.mp4"
    image, audio = read_frame(video, 125), load_audio(video)
    assert image.shape == (384, 384, 3)
    assert audio.samples.shape[1] / audio.rate == pytest.approx(10, abs=0.2)
    stereo = read_audio(clips / "audio" / "stamp01henxxxxxx_000007.wav", 16000, 10.0)
    assert stereo.shape == (160000,)
