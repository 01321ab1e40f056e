"""`avprompt cache`: what is there, removing it, and making it ahead."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from avprompt.cli import main
from tinyworld.encoders import TinyEar

Cli = Callable[..., Result]

BUILD = ("cache", "build", "souple", "--dataset", "tiny")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AVPROMPT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many sounds the audio encoder has been given, call by call."""
    calls: list[int] = []
    forward = TinyEar.forward
    monkeypatch.setattr(TinyEar, "forward", lambda ear, wave: calls.append(len(wave)) or forward(ear, wave))
    return calls


def held(cli: Cli) -> list[dict[str, Any]]:
    return json.loads(cli("cache", "info", "--json").output)


def test_nothing_is_there_at_first(cli: Cli, home: Path) -> None:
    assert f"No features are kept in {home / 'features'}" in cli("cache", "info").output
    assert held(cli) == []
    assert cli("cache", "clear", "--yes").output == "Removed 0 features, 0 bytes.\n"


def test_build_encodes_each_sound_once(cli: Cli, heard: list[int]) -> None:
    output = cli(*BUILD, "--batch-size", 4).output
    assert "tinyworld.encoders.TinyEar in float32" in output
    (one,) = held(cli)
    assert (one["kind"], one["entries"]) == ("audio", 6)  # the tiny world has six tones
    assert sum(heard) >= 6
    heard.clear()
    cli(*BUILD, "--batch-size", 4)
    assert heard == []


def test_build_takes_images_too(cli: Cli) -> None:
    cli(*BUILD, "--cache", "all")
    assert {one["kind"]: one["entries"] for one in held(cli)} == {"audio": 6, "images": 13}
    cli(*BUILD, "--cache", "images", "--set", "training.crop=1", "--workers", 2)
    assert {one["kind"]: one["entries"] for one in held(cli)} == {"audio": 6, "images": 13 + 2 * 14}


def test_build_of_chosen_splits(cli: Cli) -> None:
    cli(*BUILD, "--cache", "images", "--split", "test")
    assert held(cli)[0]["entries"] == 6


def test_build_names_what_cannot_be_read(cli: Cli) -> None:
    output = cli("cache", "build", "souple", "--dataset", "tiny-broken").output
    assert "no-such-sound.wav does not exist" in output


def test_build_says_when_the_limit_is_reached(cli: Cli) -> None:
    size = held_after(cli)
    cli("cache", "clear", "--yes")
    output = cli(*BUILD, "--cache-size", 3.02 * size / 1e9).output
    assert "is reached" in output
    assert held(cli)[0]["entries"] == 3


def held_after(cli: Cli) -> float:
    """The bytes of one entry."""
    cli(*BUILD)
    (one,) = held(cli)
    return one["size"] / one["entries"]


def test_a_stream_is_not_encoded_ahead(fails: Callable[..., str]) -> None:
    message = fails(*BUILD, "--shards", "http://host/train-{00..09}.tar")
    assert message.startswith("A stream cannot be encoded ahead")


def test_a_run_uses_and_fills_the_cache(cli: Cli, heard: list[int]) -> None:
    run = ("run", "souple", "--dataset", "tiny", "--steps", 4, "--batch-size", 4, "--cache", "audio")
    cli(*run, "--output", "one")
    assert held(cli)[0]["entries"] >= 6
    heard.clear()
    cli(*run, "--output", "two")
    assert heard == []


def test_clear_asks_first(cli: Cli) -> None:
    cli(*BUILD)
    refused = CliRunner().invoke(main, ["cache", "clear"], input="n\n")
    assert refused.exit_code == 1
    assert "Remove 6 features" in refused.output
    assert held(cli)[0]["entries"] == 6
    assert "Removed 6 features" in cli("cache", "clear", "--yes").output
    assert held(cli) == []


@pytest.mark.parametrize("command", [("run",), ("cache", "build")])
def test_images_whose_encoder_is_prompted_are_refused_before_anything_is_written(
    command: tuple[str, ...], fails: Callable[..., str], here: Path
) -> None:
    options = ("--dataset", "tiny", "--set", "prompt.depth=3", "--cache", "all")
    message = fails(*command, "maple", *options)
    assert message.startswith("--cache all would keep what the image encoder makes of each image")
    assert message.endswith("Use --cache audio.")
    assert not list(here.rglob("*.yaml"))
