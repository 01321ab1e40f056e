"""`avprompt localize`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image

from tinyworld.runs import TINY
from tinyworld.scenes import RATE, scene

Clip = tuple[Path, Path]
ORACLE = ("localize", "--method", "oracle", "--encoders", "tiny", "--seconds", 0.1)


def test_heatmap(cli: Any, here: Path, clip: Clip) -> None:
    output = cli(*ORACLE, "--image", clip[0], "--audio", clip[1], "--save-heatmap", "h.npy").stdout
    heatmap = np.load(here / "h.npy")
    assert heatmap.shape == (224, 224)
    assert heatmap.dtype == np.float32
    assert 0 <= heatmap.min() < heatmap.max() <= 1
    truth = scene("test", 0).truth.mask.repeat(7, 0).repeat(7, 1) > 0  # type: ignore[union-attr]
    assert heatmap[truth].mean() > 0.9
    assert heatmap[~truth].mean() < 0.2
    assert "confidence 0.9" in output
    assert "Heatmap: h.npy" in output


def test_overlay(cli: Any, here: Path, clip: Clip) -> None:
    cli(*ORACLE, "--image", clip[0], "--audio", clip[1], "--overlay", "o.jpg")
    with Image.open(here / "o.jpg") as picture:
        assert (picture.format, picture.size) == ("JPEG", (32, 32))


def test_peak(cli: Any, here: Path, clip: Clip) -> None:
    rows, columns = np.nonzero(scene("test", 0).truth.mask)  # type: ignore[union-attr]
    output = cli(*ORACLE, "--image", clip[0], "--audio", clip[1]).stdout
    left, top = (int(word.rstrip("%")) for word in output.split() if word.endswith("%"))
    assert columns.min() - 1 <= 0.32 * left <= columns.max() + 1
    assert rows.min() - 1 <= 0.32 * top <= rows.max() + 1


def test_a_run_is_a_method(cli: Any, here: Path, clip: Clip, run: Path) -> None:
    given = ("--seconds", 0.1, "--image", clip[0], "--audio", clip[1], "--save-heatmap")
    cli("localize", "--method", run, *given, "a.npy")
    checkpoint = run / "checkpoint.safetensors"
    cli("localize", "--method", "souple", "--encoders", "tiny", "--checkpoint", checkpoint, *given, "b.npy")
    assert np.array_equal(np.load(here / "a.npy"), np.load(here / "b.npy"))


def test_a_run_hears_as_much_as_it_was_trained_on(cli: Any, here: Path, clip: Clip, run: Path) -> None:
    given = ("--image", clip[0], "--audio", clip[1], "--save-heatmap")
    for name, seconds in (("a.npy", ()), ("b.npy", ("--seconds", 0.1)), ("c.npy", ("--seconds", 10))):
        cli("localize", "--method", run, *seconds, *given, name)
    assert np.array_equal(np.load(here / "a.npy"), np.load(here / "b.npy"))
    assert not np.array_equal(np.load(here / "a.npy"), np.load(here / "c.npy"))


def test_a_run_that_trained_nothing_is_a_method(cli: Any, clip: Clip) -> None:
    cli("run", "oracle", "--dataset", "tiny", "--output", "o")
    cli("localize", "--method", "o", "--image", clip[0], "--audio", clip[1])


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
            "--image",
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
    cli(*ORACLE, "--image", "rgba.png", "--audio", "stereo.flac", "--save-heatmap", "h.npy")
    assert np.load(here / "h.npy").max() > 0.9  # 40 Hz is red


class TestRefuses:
    def test_untrained_methods(self, fails: Any, clip: Clip) -> None:
        message = fails(
            "localize", "--method", "souple", "--encoders", "tiny", "--image", clip[0], "--audio", clip[1]
        )
        assert message.startswith(
            "'souple' has trained parts: give --checkpoint FILE or a finished run's folder"
        )

    @pytest.mark.parametrize("which", [0, 1])
    def test_missing_and_broken_files(self, fails: Any, here: Path, clip: Clip, which: int) -> None:
        (here / "broken").write_bytes(b"nothing of the kind")
        for name, words in (("gone", "gone does not exist"), ("broken", "broken is not a")):
            files = [*clip]
            files[which] = Path(name)
            message = fails(*ORACLE, "--image", files[0], "--audio", files[1], "--save-heatmap", "h.npy")
            assert words in message

    def test_an_empty_sound(self, fails: Any, here: Path, clip: Clip) -> None:
        soundfile.write(here / "empty.wav", np.zeros(0), RATE)
        assert "holds no sound" in fails(*ORACLE, "--image", clip[0], "--audio", "empty.wav")

    def test_no_time_at_all(self, fails: Any, clip: Clip) -> None:
        assert "--seconds" in fails(*ORACLE, "--seconds", 0, "--image", clip[0], "--audio", clip[1])


@pytest.mark.parametrize(
    ("option", "name", "message"),
    [
        ("--overlay", "out.mp4", "--overlay: 'out.mp4' is no picture that can be written"),
        ("--overlay", "out", "--overlay: 'out' is no picture that can be written"),
        ("--save-heatmap", "out.png", "--save-heatmap: 'out.png' must end in .npy"),
    ],
)
def test_a_file_is_what_its_name_says(
    fails: Any, here: Path, clip: Clip, option: str, name: str, message: str
) -> None:
    assert fails(*ORACLE, "--image", clip[0], "--audio", clip[1], option, name).startswith(message)
    assert not (here / name).exists()


def test_a_missing_checkpoint_is_told_before_missing_weights(fails: Any, clip: Clip) -> None:
    message = fails("localize", "--method", "souple", "--image", clip[0], "--audio", clip[1])
    assert message.startswith("'souple' has trained parts: give --checkpoint FILE")
