"""Schedules and callbacks of a user's own, given with --plugin and --set."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

TRACKER = '''
"""A tracker in one file: every step as a row of a csv file in the run directory."""
from avprompt.plugin import Callback, hookimpl


class CsvTracker(Callback):
    def on_train_start(self, state):
        self.file = state.folder / "track.csv"

    def on_step(self, state):
        if state.main:
            with self.file.open("a") as file:
                file.write(f"{state.step},{state.learning_rate},{state.losses['total']}\\n")


@hookimpl
def register_callbacks(register):
    register("csv", CsvTracker)
'''
RESTARTS = '''
"""A cosine schedule with warm restarts (SGDR, arXiv 1608.03983)."""
import math
from avprompt.plugin import Options, Schedule, hookimpl


class RestartOptions(Options):
    period: int = 100


class CosineRestarts(Schedule):
    Config = RestartOptions

    def __call__(self, step, total):
        return 0.5 * (1 + math.cos(math.pi * (step % self.config.period) / self.config.period))


@hookimpl
def register_schedules(register):
    register("cosine-restarts", CosineRestarts)
'''
TINY = ("--dataset", "tiny", "--batch-size", "4", "--pictures", "0", "--set", "training.warmup_steps=0")


@pytest.fixture
def files(here: Path) -> tuple[str, ...]:
    for name, text in (("tracker.py", TRACKER), ("restarts.py", RESTARTS)):
        (here / name).write_text(text.lstrip())
    return ("--plugin", "tracker.py", "--plugin", "restarts.py")


def test_a_tracker_and_a_schedule_of_ones_own(cli: Any, here: Path, files: tuple[str, ...]) -> None:
    parts = ("--set", "training.callbacks.csv={}", "--set", "training.schedule.name=cosine-restarts")
    rate = ("--set", "training.schedule.period=2", "--set", "training.learning_rate=0.5")
    cli("run", "souple", *TINY, "--steps", "4", *files, *parts, *rate, "--output", "run")
    rows = list(csv.reader((here / "run" / "track.csv").read_text().splitlines()))
    assert [row[0] for row in rows] == ["1", "2", "3", "4"]
    assert [float(row[1]) for row in rows] == pytest.approx([0.5, 0.25, 0.5, 0.25])


def test_results_tell_the_truth_of_a_stopped_training(cli: Any, here: Path) -> None:
    """Nothing is trained at a rate this small, so that no score after the first is better."""
    rate = ("--set", "training.learning_rate=1e-12", "--set", "training.validate_every=2")
    parts = ("--set", "training.callbacks.early-stopping.patience=1")
    best = ("--set", "training.callbacks.best-checkpoint={}")
    cli("run", "souple", *TINY, "--steps", "9", *rate, *parts, *best, "--output", "run")
    result = json.loads((here / "run" / "results.json").read_text())
    assert result["training"]["steps"] == 4
    stopped, kept = result["notes"][-2:]
    assert stopped.startswith("Training stopped after step 4 of 9: early-stopping: cIoU of the validation")
    assert "holds the trained parts after step 2 of 4" in kept
    (here / "run" / "results.json").unlink()  # as where only the evaluation was broken off
    again = ("run", "souple", *TINY, "--steps", "9", *rate, *parts, *best, "--output", "run", "--resume")
    cli(*again)
    after = json.loads((here / "run" / "results.json").read_text())
    assert (after["training"], after["notes"]) == (result["training"], result["notes"])


@pytest.mark.parametrize(
    ("dataset", "option", "message"),
    [
        (
            "tiny",
            "training.callbacks.early-stopping={}",
            "training.callbacks.early-stopping goes by the scores of the validation split, and training does "
            "not look at that. Say how often it should: --set training.validate_every=100",
        ),
        (
            "tiny-unvalidated",
            "training.validate_every=2",
            "training.validate_every needs a validation split, and 'tiny-unvalidated' has none; a test split "
            "never takes its place. Leave it out: --set training.validate_every=null.",
        ),
        ("tiny", "training.callbacks.ealy-stopping={}", "There is no callback 'ealy-stopping'. Did you mean"),
        ("tiny", "training.callbacks.ema.decy=1", "training.callbacks.ema has no option 'decy'"),
    ],
)
def test_what_cannot_be_is_told_before_training(
    fails: Callable[..., str], here: Path, dataset: str, option: str, message: str
) -> None:
    assert message in fails("run", "souple", "--dataset", dataset, "--set", option, "--output", "run")
    assert not (here / "run").exists()
