"""`avprompt localize`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import soundfile
import torch
from click.testing import CliRunner
from PIL import Image

from avprompt.cli import main
from avprompt.localization.video import Video
from avprompt.pictures.figure import Figure
from mediafiles import save_clip, tone
from tinyworld.runs import TINY
from tinyworld.scenes import RATE, scene

Clip = tuple[Path, Path]
ORACLE = ("localize", "--method", "oracle", "--encoders", "tiny", "--seconds", 0.1)


def test_heatmap(cli: Any, here: Path, clip: Clip) -> None:
    output = cli(*ORACLE, clip[0], "--audio", clip[1], "--save-heatmap", "h.npy").stdout
    heatmap = np.load(here / "h.npy")
    assert heatmap.shape == (224, 224)
    assert heatmap.dtype == np.float32
    assert 0 <= heatmap.min() < heatmap.max() <= 1
    truth = scene("test", 0).truth.mask.repeat(7, 0).repeat(7, 1) > 0  # type: ignore[union-attr]
    assert heatmap[truth].mean() > 0.9
    assert heatmap[~truth].mean() < 0.2
    assert "confidence 0.9" in output
    assert "Heatmap: h.npy" in output


@pytest.mark.parametrize(("name", "form"), [("o.jpg", "JPEG"), ("o.PNG", "PNG")])
def test_a_picture_says_what_its_colours_mean(cli: Any, here: Path, clip: Clip, name: str, form: str) -> None:
    output = cli(*ORACLE, clip[0], "--audio", clip[1], "--output", name).stdout
    with Image.open(here / name) as page:
        assert page.format == form
        assert page.width == 640
        assert page.height > 640, "a legend stands below the picture"
    assert f"Picture: {name}" in output


def test_dots_are_counted_by_the_inch(cli: Any, here: Path, clip: Clip) -> None:
    cli(*ORACLE, clip[0], "--audio", clip[1], "--output", "o.png", "--dpi", 50)
    with Image.open(here / "o.png") as page:
        assert page.width == 300, "six inches"
        assert page.info["dpi"] == pytest.approx((50, 50), abs=0.1)


@pytest.mark.parametrize(("name", "start"), [("o.pdf", b"%PDF"), ("o.svg", b"<svg")])
def test_pages_for_papers(cli: Any, here: Path, clip: Clip, name: str, start: bytes) -> None:
    cli(*ORACLE, clip[0], "--audio", clip[1], "--output", name)
    content = (here / name).read_bytes()
    assert content.startswith(start)
    if name.endswith("svg"):
        words = "".join(ElementTree.fromstring(content).itertext())
        assert "mask at 0.50" in words
        assert "clip" in words
        assert "confidence 0.9" in words


def test_what_is_written_lies_beside_the_clip(cli: Any, here: Path, clip: Clip) -> None:
    cli(*ORACLE, clip[0], "--audio", clip[1])
    assert (here / "clip-localized.png").is_file()


def test_a_sound_of_the_same_stem_needs_no_naming(cli: Any, here: Path, clip: Clip) -> None:
    cli(*ORACLE, clip[0], "--audio", clip[1], "--save-heatmap", "a.npy")
    cli(*ORACLE, clip[0], "--save-heatmap", "b.npy")
    assert np.array_equal(np.load(here / "a.npy"), np.load(here / "b.npy"))
    assert not (here / "clip-localized.png").exists(), "the heatmap is all that was asked for"


class TestFolder:
    @pytest.fixture
    def folder(self, here: Path, clip: Clip) -> Path:
        folder = here / "clips"
        folder.mkdir()
        for name in ("a", "b"):
            shutil.copy(clip[0], folder / f"{name}.png")
            shutil.copy(clip[1], folder / f"{name}.wav")
        (folder / "notes.txt").touch()
        return folder

    def test_every_picture_is_drawn(self, cli: Any, here: Path, folder: Path) -> None:
        cli(*ORACLE, folder)
        assert {path.name for path in (here / "clips-localized").iterdir()} == {"a.png", "b.png"}

    def test_output_is_a_folder(self, cli: Any, here: Path, folder: Path) -> None:
        cli(*ORACLE, folder / "a.png", folder / "b.png", "--output", "out")
        assert {path.name for path in (here / "out").iterdir()} == {"a.png", "b.png"}

    def test_a_bad_clip_stops_no_other(self, here: Path, folder: Path) -> None:
        (folder / "a.png").write_bytes(b"nothing of the kind")
        (folder / "c.png").write_bytes((folder / "b.png").read_bytes())
        result = CliRunner().invoke(main, [str(word) for word in (*ORACLE, folder)])
        assert result.exit_code == 1
        assert "2 of 3 could not be localised, the others are done:" in result.stderr
        assert "a.png: " in result.stderr
        assert "c.png is a picture without a sound: give --audio WAV, or put c.wav beside it" in result.stderr
        assert [path.name for path in (here / "clips-localized").iterdir()] == ["b.png"]

    def test_what_was_made_before_is_no_clip(self, cli: Any, here: Path, folder: Path) -> None:
        cli(*ORACLE, folder / "a.png")
        cli(*ORACLE, folder)
        assert {path.name for path in (here / "clips-localized").iterdir()} == {"a.png", "b.png"}

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (
                ("clips", "--output", "o.png"),
                "--output: there are several clips, so 'o.png' must",
            ),
            (("clips", "--save-heatmap", "h.npy"), "--save-heatmap is for one picture."),
            (("empty",), "empty holds no picture and no video"),
            (("clips", "clips/a.jpg"), "clips/a.jpg does not exist"),
            (("clips/notes.txt",), "clips/notes.txt is neither a picture"),
        ],
    )
    def test_says_what_does_not_fit(
        self, fails: Any, here: Path, folder: Path, arguments: tuple[str, ...], message: str
    ) -> None:
        (here / "empty").mkdir()
        assert fails(*ORACLE, *arguments).startswith(message)

    def test_two_clips_do_not_share_an_output(self, fails: Any, folder: Path) -> None:
        (folder / "a.jpg").write_bytes((folder / "a.png").read_bytes())
        assert "would both be written to" in fails(*ORACLE, "clips")


class TestVideo:
    @pytest.fixture
    def video(self, here: Path) -> Path:
        return save_clip(here / "talk.mp4", sound=tone(1.0)[None])

    def test_becomes_a_video(self, cli: Any, here: Path, video: Path) -> None:
        output = cli(*ORACLE, video, "--fps", 2, "--smooth", 1).stdout
        assert f"Video: {here}/talk-localized.mp4" in output
        assert Video.of(here / "talk-localized.mp4").seconds == pytest.approx(1, abs=0.01)
        assert {path.name for path in here.iterdir()} == {"talk.mp4", "talk-localized.mp4"}

    def test_leaves_boxes_and_maps_beside_it(self, cli: Any, here: Path) -> None:
        """Maps go on as long as the last picture stays."""
        save_clip(here / "talk.mkv", [0, 0.1, 0.2, 1.1], sound=tone(1.5)[None])
        output = cli(
            *ORACLE, "talk.mkv", "--fps", 5, "--save", "json", "--save", "npz", "--output", "o.mp4"
        ).stdout
        assert "Saved: o.json\nSaved: o.npz\n" in output
        told = json.loads((here / "o.json").read_text())
        assert [each["time"] for each in told["maps"]] == [0, 0.2, 0.4, 0.6, 0.8, 1.0]
        assert (told["video"], told["fps"], told["smooth"], told["threshold"]) == ("talk.mkv", 5, 0, 0.5)
        with np.load(here / "o.npz") as kept:
            assert kept["heatmap"].shape == (6, 224, 224)
            np.testing.assert_allclose(
                kept["confidence"], [each["confidence"] for each in told["maps"]], atol=1e-4
            )

    def test_beside_pictures_in_a_folder(self, cli: Any, here: Path, video: Path, clip: Clip) -> None:
        cli(*ORACLE, here, "--fps", 2)
        assert {path.name for path in (here.parent / "here-localized").iterdir()} == {"talk.mp4", "clip.png"}

    def test_without_a_sound_is_an_error(self, fails: Any, here: Path) -> None:
        save_clip(here / "mute.mp4")
        message = fails(*ORACLE, "mute.mp4", "--output", "out.mp4")
        assert message.startswith("mute.mp4 has no sound track, so nothing can be looked for.")

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (
                ("talk.mp4", "--output", "o.avi"),
                "--output: a video is written as mp4, so 'o.avi' must end in",
            ),
            (
                ("talk.mp4", "--output", "o.png"),
                "--output: a video is written as mp4, so 'o.png' must end in",
            ),
            (("talk.mp4", "--output", "talk.mp4"), "--output: 'talk.mp4' is the clip itself"),
            (("talk.mp4", "--audio", "clip.wav"), "--audio: that is for pictures, and there are none"),
            (("talk.mp4", "--dpi", "200"), "--dpi: that is for pictures, and there are none"),
            (("talk.mp4", "--save-heatmap", "h.npy"), "--save-heatmap is for one picture"),
            (("clip.png", "--save", "json"), "--save: that is for videos, and there are none"),
            (
                ("clip.png", "--fps", "4", "--smooth", "1"),
                "--fps, --smooth: that is for videos, and there are none",
            ),
        ],
    )
    def test_says_what_does_not_fit(
        self, fails: Any, video: Path, clip: Clip, options: tuple[str, ...], message: str
    ) -> None:
        assert fails(*ORACLE, *options).startswith(message)


class TestDemo:
    """The trained method that the mini encoders bring; its numbers are nobody's business here."""

    def test_needs_no_method_and_says_what_it_is(self, cli: Any, here: Path, clip: Clip) -> None:
        result = cli("localize", clip[0])
        assert result.stderr.startswith("Miniature: knows drawn shapes only. ")
        assert "published weights" in result.stderr
        assert (here / "clip-localized.png").is_file()

    def test_the_corner_of_the_picture_says_it_too(self, clip: Clip, here: Path) -> None:
        image, heatmap = np.zeros((64, 640, 3), np.uint8), np.zeros((8, 8), np.float32)
        silent = Figure(image, heatmap, 0.5, "clip").draw()
        noted = Figure(image, heatmap, 0.5, "clip", note="miniature").draw()
        corner = np.asarray(noted)[:20, :40] != np.asarray(silent)[:20, :40]
        assert corner.any()

    @pytest.mark.parametrize(
        ("options", "named"),
        [
            (("--set", "prompt.context_tokens=2"), "--set"),
            (("--encoders", "tiny"), "--encoders"),
            (("--checkpoint", "clip.png"), "--checkpoint"),
            (("--trust",), "--trust"),
        ],
    )
    def test_is_not_changed(self, fails: Any, clip: Clip, options: tuple[str, ...], named: str) -> None:
        assert fails("localize", clip[0], *options) == f"{named}: name the method, too, with --method."


def test_peak(cli: Any, here: Path, clip: Clip) -> None:
    rows, columns = np.nonzero(scene("test", 0).truth.mask)  # type: ignore[union-attr]
    output = cli(*ORACLE, clip[0], "--audio", clip[1]).stdout
    left, top = (int(word.rstrip("%")) for word in output.split() if word.endswith("%"))
    assert columns.min() - 1 <= 0.32 * left <= columns.max() + 1
    assert rows.min() - 1 <= 0.32 * top <= rows.max() + 1


def test_a_run_is_a_method(cli: Any, here: Path, clip: Clip, run: Path) -> None:
    given = ("--seconds", 0.1, clip[0], "--audio", clip[1], "--save-heatmap")
    cli("localize", "--method", run, *given, "a.npy")
    checkpoint = run / "checkpoint.safetensors"
    cli("localize", "--method", "souple", "--encoders", "tiny", "--checkpoint", checkpoint, *given, "b.npy")
    assert np.array_equal(np.load(here / "a.npy"), np.load(here / "b.npy"))


def test_a_run_hears_as_much_as_it_was_trained_on(cli: Any, here: Path, clip: Clip, run: Path) -> None:
    given = (clip[0], "--audio", clip[1], "--save-heatmap")
    for name, seconds in (("a.npy", ()), ("b.npy", ("--seconds", 0.1)), ("c.npy", ("--seconds", 10))):
        cli("localize", "--method", run, *seconds, *given, name)
    assert np.array_equal(np.load(here / "a.npy"), np.load(here / "b.npy"))
    assert not np.array_equal(np.load(here / "a.npy"), np.load(here / "c.npy"))


def test_a_run_that_trained_nothing_is_a_method(cli: Any, clip: Clip) -> None:
    cli("run", "oracle", "--dataset", "tiny", "--output", "o")
    cli("localize", "--method", "o", clip[0], "--audio", clip[1])


def test_a_run_brings_its_plugins_and_its_random_parts(cli: Any, here: Path, clip: Clip) -> None:
    (here / "mine.py").write_text(
        "from avprompt.plugin import hookimpl\n"
        "from avprompt_coop.prompts import CoOpPrompt\n\n"
        "@hookimpl\n"
        "def register_prompts(register):\n"
        "    register('mine', CoOpPrompt)\n"
    )
    frozen = (
        "--set",
        "prompt.name=mine",
        "--set",
        "prompt.initialise=random",
        "--set",
        "prompt.trained=false",
    )
    cli("run", "acl-ssl", *TINY, *frozen, "--plugin", "mine.py", "--seed", 3, "--output", "o")
    for name in ("a.npy", "b.npy"):
        cli(
            "localize",
            "--method",
            "o",
            "--trust",
            clip[0],
            "--audio",
            clip[1],
            "--save-heatmap",
            name,
        )
        torch.manual_seed(8)
    assert np.array_equal(np.load(here / "a.npy"), np.load(here / "b.npy"))


@pytest.mark.parametrize("rate", [8000, 44100])
def test_any_sample_rate_channels_and_picture(cli: Any, here: Path, clip: Clip, rate: int) -> None:
    wave = np.sin(2 * np.pi * 40 * np.arange(rate) / rate)
    soundfile.write(here / "stereo.flac", np.stack([wave, wave], 1) / 2, rate)
    with Image.open(clip[0]) as picture:
        picture.convert("RGBA").resize((50, 40)).save(here / "rgba.png")
    cli(*ORACLE, "rgba.png", "--audio", "stereo.flac", "--save-heatmap", "h.npy")
    assert np.load(here / "h.npy").max() > 0.9  # 40 Hz is red


class TestRefuses:
    def test_untrained_methods(self, fails: Any, clip: Clip) -> None:
        message = fails("localize", "--method", "souple", "--encoders", "tiny", clip[0], "--audio", clip[1])
        assert message.startswith(
            "'souple' has trained parts: give --checkpoint FILE or a finished run's folder"
        )

    @pytest.mark.parametrize("which", [0, 1])
    def test_missing_and_broken_files(self, fails: Any, here: Path, clip: Clip, which: int) -> None:
        (here / f"broken{clip[which].suffix}").write_bytes(b"nothing of the kind")
        for name, words in (("gone", "does not exist"), ("broken", "is not a")):
            files = [*clip]
            files[which] = Path(name).with_suffix(clip[which].suffix)
            message = fails(*ORACLE, files[0], "--audio", files[1], "--save-heatmap", "h.npy")
            assert f"{files[which]} {words}" in message

    def test_an_empty_sound(self, fails: Any, here: Path, clip: Clip) -> None:
        soundfile.write(here / "empty.wav", np.zeros(0), RATE)
        assert "holds no sound" in fails(*ORACLE, clip[0], "--audio", "empty.wav")

    def test_no_time_at_all(self, fails: Any, clip: Clip) -> None:
        assert "--seconds" in fails(*ORACLE, "--seconds", 0, clip[0], "--audio", clip[1])


@pytest.mark.parametrize(
    ("option", "name", "message"),
    [
        ("--output", "out.mp4", "--output: 'out.mp4' is no picture that can be written"),
        ("--output", "clip.png", "--output: 'clip.png' is the clip itself"),
        ("--save-heatmap", "out.png", "--save-heatmap: 'out.png' must end in .npy"),
    ],
)
def test_a_file_is_what_its_name_says(
    fails: Any, here: Path, clip: Clip, option: str, name: str, message: str
) -> None:
    assert fails(*ORACLE, clip[0], "--audio", clip[1], option, name).startswith(message)


def test_a_missing_checkpoint_is_told_before_missing_weights(fails: Any, clip: Clip) -> None:
    message = fails("localize", "--method", "souple", clip[0], "--audio", clip[1])
    assert message.startswith("'souple' has trained parts: give --checkpoint FILE")
