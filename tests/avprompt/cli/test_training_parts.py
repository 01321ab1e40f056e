"""Callbacks in whole runs; schedules and callbacks of a user's own are in `tests/test_examples.py`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import avprompt
from avprompt.errors import EvaluationError
from avprompt.weights.checkpoint import checkpoint_metadata

TINY = ("--dataset", "tiny", "--batch-size", "4", "--pictures", "0", "--set", "training.warmup_steps=0")


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
    cli("evaluate", "run", "--output", "scored")
    scored = json.loads((here / "scored" / "results.json").read_text())
    assert scored["notes"][-2:] == [stopped, kept]
    about = [checkpoint_metadata(here / run / "checkpoint.safetensors") for run in ("run", "scored")]
    assert about[0] == about[1]
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


SILENT = """
from avprompt.plugin import Protocol, hookimpl

class Silent(Protocol):
    name, summary, headline = "silent", "scores nothing", "hit"

    def measure(self, maps):
        return {"hit": maps.heatmaps.mean(axis=(1, 2))}

    def summarise(self, test, choice):
        return {"hit": float("nan")}

@hookimpl
def register_protocols(register):
    register("silent", Silent)
"""


def test_training_is_not_judged_by_what_is_no_number(here: Path) -> None:
    (here / "silent.py").write_text(SILENT)
    message = r"protocol 'silent' gives the split 'validation' no finite hit but nan"
    with pytest.raises(EvaluationError, match=message):
        avprompt.run(
            "souple",
            "tiny",
            output=here / "run",
            plugins=[here / "silent.py"],
            protocols=["silent"],
            overrides=["training.validate_every=1", "training.batch_size=4", "training.steps=2"],
        )
