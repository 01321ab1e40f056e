"""The plugins of `docs/examples`: short, true to their promises, and right in real runs."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from PIL import Image

from avprompt.cli import main
from avprompt.config.options import options
from avprompt.metrics.iou import TruthMasks
from avprompt.metrics.scored_maps import ScoredMaps
from avprompt.plugin import TrainerState
from avprompt.plugin.discovery import load_plugins
from avprompt.testing import check_benchmark
from tinyworld.runs import results, row, rows
from tinyworld.scenes import OBJECT, RATE, SIDE, scene
from tinyworld.training import log

EXAMPLES = sorted((Path(__file__).resolve().parents[1] / "docs" / "examples").glob("*.py"))
BELLS, RESTARTS, TRACKER, ENERGY = (str(file) for file in EXAMPLES)
TINY = ("--dataset", "tiny", "--batch-size", "4", "--pictures", "0")


def part(file: str, kind: str, name: str, **given: Any) -> Any:
    """A part that an example registers, built with these options."""
    registry = load_plugins((file,)).registry
    return registry.load(kind, name)(options(registry, kind, name, given, name))


def avprompt(*words: str) -> str:
    """What a command that succeeds prints."""
    result = CliRunner().invoke(main, list(words), env={"COLUMNS": "200"}, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def run(folder: Path, file: str, *words: str) -> Path:
    avprompt("run", "souple", *TINY, "--plugin", file, *words, "--output", str(folder))
    return folder


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_is_short_keeps_its_promises_and_says_how_it_is_used(file: Path) -> None:
    lines = file.read_text().splitlines()
    assert len(lines) <= 32
    assert re.match(r'"""A (tracker|schedule|protocol|benchmark): ', lines[0])
    assert lines[2].startswith("avprompt ")
    assert f"--plugin docs/examples/{file.name} " in lines[2]
    if str(file) != BELLS:  # whose promises need a folder
        assert re.search(r"│ kept +│", avprompt("plugins", "check", str(file)))


def test_the_benchmark_keeps_its_promises_and_is_scored(tmp_path: Path) -> None:
    for number in range(4):
        sample = scene("test", number)
        Image.fromarray(np.asarray(sample.image)).save(tmp_path / f"bell{number}.jpg")
        soundfile.write(tmp_path / f"bell{number}.wav", sample.audio.samples, RATE)  # type: ignore[union-attr]
        if number > 1:
            np.save(tmp_path / f"bell{number}.npy", np.kron(sample.truth.mask, np.ones((7, 7))))  # type: ignore[union-attr]
    (tmp_path / "bell3.wav").unlink()
    adapter = load_plugins((BELLS,)).registry.load("datasets", "bells")
    check_benchmark(adapter(tmp_path))
    words = ("run", "souple", "--plugin", BELLS, "--dataset", "bells", "--data-root", str(tmp_path))
    folder = tmp_path / "run"
    avprompt(*words, "--encoders", "tiny", "--steps", "1", "--batch-size", "2", "--output", str(folder))
    assert results(folder)["samples"]["test"] == {"used": 1, "expected": 2}
    (broken,) = rows(folder / "skipped.csv")
    assert (broken["id"], broken["reason"]) == ("bell3", "no sound beside it")


def test_the_tracker_holds_the_numbers_of_the_log(tmp_path: Path) -> None:
    validation = ("--set", "training.callbacks.csv={}", "--set", "training.validate_every=2")
    folder = run(tmp_path / "run", TRACKER, "--steps", "4", *validation)
    tracked = [
        (int(line["step"]), line["name"], float(line["value"])) for line in rows(folder / "tracker.csv")
    ]
    expected = [
        (step, name, value)
        for step, line in enumerate(log(folder), start=1)
        for name, value in {**line["losses"], "learning_rate": line["learning_rate"]}.items()
    ]
    assert [line for line in tracked if line[1] != "cIoU"] == expected
    scores = [line for line in tracked if line[1] == "cIoU"]
    assert [line[0] for line in scores] == [2, 4]
    assert all(0 <= score <= 100 for _, _, score in scores)


def test_the_tracker_of_a_resumed_run_has_every_step_once(tmp_path: Path) -> None:
    state = TrainerState(method=None, step=0, total=3, folder=tmp_path)  # type: ignore[arg-type]
    for start in (0, 1):
        tracker = part(TRACKER, "callbacks", "csv")
        tracker.on_train_start(replace(state, step=start))
        for step in range(start + 1, 4):
            tracker.on_step(replace(state, step=step, losses={"total": step / 2}, learning_rate=0.1))
    steps = [line["step"] for line in rows(tmp_path / "tracker.csv")]
    assert steps == ["1", "1", "2", "2", "3", "3"]


def test_the_tracker_leaves_files_to_the_main_process(tmp_path: Path) -> None:
    state = TrainerState(method=None, step=0, total=1, folder=tmp_path, main=False)  # type: ignore[arg-type]
    tracker = part(TRACKER, "callbacks", "csv")
    tracker.on_train_start(state)
    tracker.on_step(replace(state, step=1, losses={"total": 1.0}))
    assert list(tmp_path.iterdir()) == []


def test_rates_of_a_run_are_those_of_equation_5(tmp_path: Path) -> None:
    """With two steps of warm-up, then T_0 = 4: cos(0), cos(pi / 4), cos(pi / 2), cos(3 pi / 4), cos(0)."""
    schedule = ("training.schedule.name=cosine-restarts", "training.schedule.period=4")
    settings = (*schedule, "training.learning_rate=0.001", "training.warmup_steps=2")
    words = [word for setting in settings for word in ("--set", setting)]
    folder = run(tmp_path / "run", RESTARTS, "--steps", "7", *words)
    rates = [1000 * line["learning_rate"] for line in log(folder)]
    annealed = [1, (1 + np.sqrt(0.5)) / 2, 0.5, (1 - np.sqrt(0.5)) / 2]
    assert rates == pytest.approx([1 / 3, 2 / 3, *annealed, 1])


def test_periods_grow() -> None:
    """T_0 = 2 and T_mult = 2: periods of 2, 4 and 8 steps, each from the full rate to half of it midway."""
    schedule = part(RESTARTS, "schedules", "cosine-restarts", period=2, growth=2)
    assert [schedule(step, 14) for step in (0, 2, 6)] == [1, 1, 1]
    assert [schedule(step, 14) for step in (1, 4, 10)] == pytest.approx([0.5, 0.5, 0.5])


def test_the_energy_of_a_heatmap_is_its_share_inside_the_truth() -> None:
    """Inside 0.6 + 0.2 of 0.6 + 0.2 + 0.2, then nothing of nothing, then nothing to find."""
    heatmaps = np.zeros((3, 2, 2), dtype=np.float32)
    heatmaps[0] = heatmaps[2] = [[0.6, 0.2], [0.2, 0]]
    truths = np.array([[[1, 1], [0, 0]], [[1, 1], [0, 0]], [[0, 0], [0, 0]]], dtype=np.float32)
    protocol = load_plugins((ENERGY,)).registry.load("protocols", "energy")()
    measured = protocol.measure(ScoredMaps(heatmaps, TruthMasks(truths), np.ones(3)))
    assert measured["energy"] == pytest.approx([0.8, 0, np.nan], nan_ok=True)
    assert protocol.summarise(measured, None) == {"energy": pytest.approx(40)}


def test_energies_are_compared_in_pairs_above_their_own_floor(tmp_path: Path) -> None:
    words = ("--plugin", ENERGY, "--protocol", "energy", "--output", str(tmp_path / "c"))
    table = avprompt("compare", "souple", "acl-ssl", *TINY, "--steps", "2", *words)
    floor = 100 * OBJECT**2 / SIDE**2
    assert row(table, "floor: even-heatmap")[1:] == [f"{floor:.2f}"] * 2
    scores = [float(cell) for cell in row(table, "energy")[1:]]
    low, high = map(float, row(table, "Δ energy, paired 95 %")[-1].split(" .. "))
    assert low - 0.06 <= scores[1] - scores[0] <= high + 0.06  # the table rounds
    result = results(next((tmp_path / "c").glob("souple*")))
    assert result["scores"]["test"]["energy"] == {"energy": pytest.approx(scores[0], abs=0.005)}
