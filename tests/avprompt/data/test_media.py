from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image

from avprompt.data.media import load_audio, read_audio, read_image, resize_image
from avprompt.data.sources import naming
from avprompt.errors import DataError
from avprompt.records import ArchiveMember, Audio
from mediafiles import save_video

RED, GREEN = (200, 30, 30), (30, 200, 30)


def tone(seconds: float, rate: int, pitch: float = 440.0) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * pitch * np.arange(round(seconds * rate)) / rate).astype(np.float32)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "CMYK"])
def test_any_picture_becomes_rgb(mode: str, tmp_path: Path) -> None:
    path = tmp_path / ("image.tif" if mode == "CMYK" else "image.png")
    Image.new("RGB", (5, 4), RED).convert(mode).save(path)
    image = read_image(path)
    assert image.shape == (4, 5, 3)
    assert image.dtype == np.uint8
    assert image.flags.writeable
    if mode in ("RGB", "RGBA", "P", "CMYK"):
        np.testing.assert_allclose(image[0, 0], RED, atol=25)
    if mode in ("L", "LA"):
        assert len(set(image[0, 0].tolist())) == 1


def test_transparent_palette_and_16_bit_grey(tmp_path: Path) -> None:
    palette = Image.new("P", (2, 2), 1)
    palette.putpalette([0, 0, 0, *RED])
    palette.save(tmp_path / "p.png", transparency=bytes([0, 128]))
    assert read_image(tmp_path / "p.png")[0, 0].tolist() == list(RED)
    Image.fromarray(np.full((2, 2), 257 * 90, dtype=np.uint16)).save(tmp_path / "deep.png")
    assert read_image(tmp_path / "deep.png")[0, 0].tolist() == [90, 90, 90]


def test_the_camera_orientation_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # Turn a quarter clockwise to see it upright.
    Image.new("RGB", (20, 10)).save(tmp_path / "turned.jpg", exif=exif)
    assert read_image(tmp_path / "turned.jpg").shape == (20, 10, 3)


@pytest.mark.parametrize("channels", [(), (1,), (3,), (4,)])
def test_arrays_become_rgb(channels: tuple[int, ...]) -> None:
    assert (read_image(np.full((4, 5, *channels), 7, dtype=np.uint8)) == np.full((4, 5, 3), 7)).all()


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((4, 5, 2), np.uint8),
        np.zeros((4, 5, 3)),
        np.zeros(4, np.uint8),
        np.zeros((0, 5, 3), np.uint8),
    ],
)
def test_an_array_that_is_no_picture_is_refused(array: np.ndarray) -> None:
    with pytest.raises(DataError, match="expected a picture"):
        read_image(array)


def test_broken_pictures_are_named(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (40, 40, 3), dtype=np.uint8)
    for suffix in ("jpg", "png"):
        path = tmp_path / f"cut.{suffix}"
        Image.fromarray(noise).save(path)
        path.write_bytes(path.read_bytes()[:-200])
        with pytest.raises(DataError, match=f"cut.{suffix} is not a picture"):
            read_image(path)
    (tmp_path / "text.jpg").write_text("no picture")
    with pytest.raises(DataError, match=r"text\.jpg is not a picture"):
        read_image(tmp_path / "text.jpg")
    with pytest.raises(DataError, match=r"none\.jpg does not exist"):
        read_image(tmp_path / "none.jpg")
    (tmp_path / "empty.jpg").touch()
    with pytest.raises(DataError, match=r"empty\.jpg is an empty file\. Get it again"):
        read_image(tmp_path / "empty.jpg")


def test_a_picture_too_large_for_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "vast.png"
    Image.new("1", (13_000, 13_000)).save(path)
    assert path.stat().st_size < 50_000
    with pytest.raises(DataError, match=r"vast\.png has 13000 x 13000 .*AVPROMPT_MAX_PIXELS=169000000"):
        read_image(path)
    Image.new("RGB", (30, 20), RED).save(tmp_path / "small.png")
    for most, fits in (("599", False), ("600", True)):
        monkeypatch.setenv("AVPROMPT_MAX_PIXELS", most)
        if fits:
            assert read_image(tmp_path / "small.png").shape == (20, 30, 3)
        else:
            with pytest.raises(DataError, match="more than 599"):
                read_image(tmp_path / "small.png")
    monkeypatch.setenv("AVPROMPT_MAX_PIXELS", "many")
    with pytest.raises(DataError, match="AVPROMPT_MAX_PIXELS must be a number of pixels, not 'many'"):
        read_image(tmp_path / "small.png")


def test_resize_is_bicubic_to_a_square() -> None:
    image = np.random.default_rng(0).integers(0, 255, (30, 50, 3), dtype=np.uint8)
    expected = Image.fromarray(image).resize((16, 16), Image.Resampling.BICUBIC)
    assert (resize_image(image, 16) == np.asarray(expected)).all()


class TestEnough:
    """A JPEG that is much too large need not be decoded whole."""

    def saved(self, path: Path, width: int, height: int, **options: object) -> Path:
        """Waves of some hundred pixels, as photographs have them."""
        across, down = np.meshgrid(np.arange(width), np.arange(height))
        waves = [np.sin(across / 40 + down / 90), np.sin(down / 30), np.sin(across / 70 - down / 50)]
        image = (127 + 100 * np.stack(waves, axis=-1)).astype(np.uint8)
        Image.fromarray(image).save(path, quality=90, **options)
        return path

    @pytest.mark.parametrize(
        ("size", "enough", "decoded"),
        [((1920, 1080), 387, 2), ((1920, 1080), 135, 8), ((1280, 720), 387, 1), ((600, 400), 500, 1)],
    )
    def test_takes_the_smallest_scale_that_is_not_too_small(
        self, tmp_path: Path, size: tuple[int, int], enough: int, decoded: int
    ) -> None:
        path = self.saved(tmp_path / "a.jpg", *size)
        assert read_image(path, enough).shape[:2] == (size[1] // decoded, size[0] // decoded)
        assert read_image(path).shape[:2] == size[::-1]

    def test_looks_like_the_full_decode(self, tmp_path: Path) -> None:
        path = self.saved(tmp_path / "a.jpg", 1280, 800)
        full, quick = (resize_image(read_image(path, enough), 200) for enough in (None, 200))
        difference = np.abs(full.astype(int) - quick)
        assert difference.mean() < 2
        assert difference.max() < 16

    def test_keeps_the_orientation(self, tmp_path: Path) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6
        path = self.saved(tmp_path / "turned.jpg", 800, 400, exif=exif)
        assert read_image(path, 200).shape == (400, 200, 3)

    def test_changes_nothing_else(self, tmp_path: Path) -> None:
        Image.new("RGB", (800, 600), RED).save(tmp_path / "a.png")
        assert read_image(tmp_path / "a.png", 100).shape == (600, 800, 3)
        assert read_image(np.zeros((400, 400, 3), np.uint8), 100).shape == (400, 400, 3)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
def test_sound_files_keep_their_samples(suffix: str, tmp_path: Path) -> None:
    soundfile.write(tmp_path / f"tone.{suffix}", tone(1.0, 16000), 16000)
    samples = read_audio(tmp_path / f"tone.{suffix}", rate=16000, seconds=1.0)
    assert samples.shape == (16000,)
    assert samples.dtype == np.float32
    if suffix in ("wav", "flac"):
        np.testing.assert_allclose(samples, tone(1.0, 16000), atol=1e-4)
    assert np.argmax(np.abs(np.fft.rfft(samples))) == 440


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000])
def test_other_rates_are_resampled(rate: int) -> None:
    samples = read_audio(Audio(tone(1.0, rate), rate), rate=16000, seconds=0.5)
    assert samples.shape == (8000,)
    np.testing.assert_allclose(samples[200:], tone(0.5, 16000)[200:], atol=2e-3)


def test_the_part_kept_is_resampled_as_if_all_had_been_read(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "long.wav", tone(3.0, 44100), 44100, subtype="FLOAT")
    part = read_audio(tmp_path / "long.wav", rate=16000, seconds=1.0)
    whole = read_audio(tmp_path / "long.wav", rate=16000, seconds=3.0)
    np.testing.assert_allclose(part, whole[:16000], atol=1e-6)


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_channels_are_mixed_by_their_mean(channels: int, tmp_path: Path) -> None:
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (800, channels)).astype(np.float32)
    soundfile.write(tmp_path / "many.wav", samples, 8000, subtype="FLOAT")
    for source in (tmp_path / "many.wav", Audio(samples.T, 8000)):
        np.testing.assert_allclose(read_audio(source, 8000, 0.1), samples.mean(axis=1), atol=1e-7)


def test_short_sound_is_padded_and_long_sound_cut() -> None:
    samples = tone(1.0, 8000)
    padded = read_audio(Audio(samples, 8000), rate=8000, seconds=2.0)
    assert (padded[:8000] == samples).all()
    assert not padded[8000:].any()
    assert (read_audio(Audio(samples, 8000), rate=8000, seconds=0.25) == samples[:2000]).all()


def test_unusable_sound_is_named(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), 8000)
    with pytest.raises(DataError, match=r"empty\.wav holds no sound"):
        read_audio(tmp_path / "empty.wav", 8000, 1)
    soundfile.write(tmp_path / "nan.wav", np.full(80, np.nan), 8000, subtype="FLOAT")
    with pytest.raises(DataError, match=r"nan\.wav .* not finite"):
        read_audio(tmp_path / "nan.wav", 8000, 1)
    with pytest.raises(DataError, match="decoded audio holds no sound"):
        read_audio(Audio(np.zeros((2, 0)), 8000), 8000, 1)
    for suffix in ("wav", "m4a"):
        (tmp_path / f"text.{suffix}").write_text("no sound")
        with pytest.raises(DataError, match=f"text.{suffix} is not a sound"):
            read_audio(tmp_path / f"text.{suffix}", 8000, 1)
    with pytest.raises(DataError, match=r"none\.mp4 does not exist"):
        read_audio(tmp_path / "none.mp4", 8000, 1)


@pytest.mark.parametrize("peak", [1e30, 14706.0, -5000.0, 10.5])
def test_sound_far_beyond_full_scale_is_refused(peak: float, tmp_path: Path) -> None:
    samples = tone(0.1, 8000)
    samples[100] = peak
    soundfile.write(tmp_path / "loud.wav", samples, 8000, subtype="FLOAT")
    for source in (tmp_path / "loud.wav", Audio(samples, 8000)):
        with pytest.raises(DataError, match=r"as large as \S+, and sound lies in -1\.\.1"):
            read_audio(source, 8000, 0.1)
    assert read_audio(Audio(5 * samples[:100], 8000), 8000, 0.01).max() > 2, "noise may be loud"


@pytest.mark.parametrize(
    ("samples", "rate", "message"),
    [
        (np.zeros((1600, 2)), 16000, r"not \(1600, 2\)\. Transpose \(T, channels\): samples\.T"),
        (np.zeros((1, 2, 1600)), 16000, r"not \(1, 2, 1600\)"),
        (np.full(1600, 20_000, np.int16), 16000, r"Divide 16-bit samples by 32768"),
        (np.zeros(1600), "16k", r"rate '16k'\. Give the samples of a second, such as 16000"),
        (np.zeros(1600), 3, r"has the rate 3\."),
        (np.full(1, 0.1), 48000, r"is too short to be heard\. Leave the sample out"),
    ],
)
def test_what_is_no_sound_says_what_to_do(samples: np.ndarray, rate: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_audio(Audio(samples, rate), 16000, 1.0)


def archived(path: Path, archive: Path) -> ArchiveMember:
    """Put a file somewhere into an uncompressed archive."""
    content = path.read_bytes()
    archive.write_bytes(b"x" * 512 + content + b"x" * 100)
    return ArchiveMember(archive, path.name, 512, len(content))


def test_parts_of_archives_read_as_the_files_they_hold(tmp_path: Path) -> None:
    picture, sound = tmp_path / "image.png", tmp_path / "sound.wav"
    Image.new("RGB", (5, 4), RED).save(picture)
    soundfile.write(sound, tone(0.5, 8000), 8000)
    video = save_video(tmp_path / "video.mp4", frames=10)
    assert (read_image(archived(picture, tmp_path / "a")) == read_image(picture)).all()
    for path in (sound, video):
        read = read_audio(archived(path, tmp_path / "b"), 16000, 0.4)
        np.testing.assert_array_equal(read, read_audio(path, 16000, 0.4))


def test_a_broken_part_is_named_with_its_archive(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(b"x" * 100)
    with pytest.raises(DataError, match=r"a.tar:7.jpg is not a picture"):
        read_image(ArchiveMember(tmp_path / "a.tar", "7.jpg", 10, 50))
    with pytest.raises(DataError, match=r"b.tar:7.wav does not exist"):
        read_audio(ArchiveMember(tmp_path / "b.tar", "7.wav", 10, 50), 16000, 1)


def test_a_sound_as_its_file_holds_it(tmp_path: Path) -> None:
    stereo = np.stack([tone(2, 8000), -tone(2, 8000)], axis=1)
    soundfile.write(tmp_path / "s.wav", stereo, 8000)
    whole = load_audio(tmp_path / "s.wav")
    assert whole.rate == 8000
    assert whole.samples.shape == (2, 16000)
    assert load_audio(tmp_path / "s.wav", seconds=0.5).samples.shape == (2, 4000)


def test_a_page_of_a_decoders_words_becomes_a_line(tmp_path: Path) -> None:
    with pytest.raises(DataError) as error, naming(tmp_path, "sound"):
        raise ValueError("no header\n" * 100)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400 + len(str(tmp_path))
