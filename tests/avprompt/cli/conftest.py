"""Commands as a user gives them, in a folder of their own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result
from PIL import Image

from avprompt.cli import main
from tinyworld.runs import TINY
from tinyworld.scenes import RATE, scene

Cli = Callable[..., Result]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder on a wide screen."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "250")
    return folder


@pytest.fixture
def cli() -> Cli:
    """Run a command that must succeed."""

    def run(*arguments: object) -> Result:
        result = CliRunner().invoke(main, [str(argument) for argument in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result

    return run


@pytest.fixture
def fails(here: Path) -> Callable[..., str]:
    """Run a command that must fail with one message and write nothing; returns the message."""

    def run(*arguments: object) -> str:
        before = {path: path.stat().st_mtime_ns for path in here.rglob("*")}
        result = CliRunner().invoke(main, [str(argument) for argument in arguments])
        assert isinstance(result.exception, SystemExit), repr(result.exception)
        assert result.exit_code != 0
        assert len([line for line in result.stderr.splitlines() if line.startswith("Error: ")]) == 1
        assert "Traceback" not in result.output
        assert {path: path.stat().st_mtime_ns for path in here.rglob("*")} == before
        return result.stderr.partition("Error: ")[2].strip()

    return run


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of SouPLe, made once."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    command = ["run", "souple", *map(str, TINY), "--seed", "5", "--output", str(folder)]
    assert CliRunner().invoke(main, command).exit_code == 0
    return folder


@pytest.fixture
def run(finished: Path, here: Path) -> Path:
    """A finished run of SouPLe, to do with as one likes."""
    return shutil.copytree(finished, here / "run")


@pytest.fixture
def clip(here: Path) -> tuple[Path, Path]:
    """A picture and a recording of the tiny world as files: red sounds."""
    sample = scene("test", 0)
    image, audio = here / "clip.png", here / "clip.wav"
    Image.fromarray(np.asarray(sample.image)).save(image)
    soundfile.write(audio, sample.audio.samples, RATE)  # type: ignore[union-attr]
    return image, audio


@pytest.fixture
def vggss(here: Path) -> Path:
    """A data root in VGG-SS's layout with four clips; of a fifth there is no frame."""
    root = here / "data"
    (root / "frames").mkdir(parents=True)
    (root / "audio").mkdir()
    entries: list[dict[str, Any]] = []
    for index in range(5):
        sample = scene("test", index)
        rows, columns = np.nonzero(sample.truth.mask)  # type: ignore[union-attr]
        box = [columns.min() / 32, rows.min() / 32, (columns.max() + 1) / 32, (rows.max() + 1) / 32]
        entries.append({"file": sample.id, "class": sample.label, "bbox": [box]})
        soundfile.write(root / "audio" / f"{sample.id}.wav", sample.audio.samples, RATE)  # type: ignore[union-attr]
        if index < 4:
            Image.fromarray(np.asarray(sample.image)).save(root / "frames" / f"{sample.id}.png")
    (root / "vggss.json").write_text(json.dumps(entries))
    return root
