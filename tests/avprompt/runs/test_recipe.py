"""What a finished run was made with, read from its folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from avprompt.runs.recipe import read_recipe
from tinyworld.runs import run_result

RESULT = run_result()
METHOD: dict[str, Any] = {
    "backbone": {"name": "mini-clip", "checkpoint": "/here/weights"},
    **{part: {"name": part} for part in ("audio_encoder", "projection", "prompt", "decoder", "masker")},
    "training": {"learning_rate": 0.1, "epochs": 20, "steps": None, "workers": 3},
}


@pytest.fixture
def write(tmp_path: Path) -> Any:
    """Write a `config.yaml` with other training options and other settings of the run."""

    def config(training: dict[str, Any], run: dict[str, Any]) -> Path:
        tables = METHOD | {"training": METHOD["training"] | training, "run": {"dataset": "toy"} | run}
        (tmp_path / "config.yaml").write_text(yaml.safe_dump(tables))
        return tmp_path

    return config


def test_has_encoders_training_and_data_but_not_the_methods_own_parts(write: Any) -> None:
    run = {"training": {"train_list": "list.txt"}, "compute": {"precision": "bf16"}}
    recipe = read_recipe(write({}, run), RESULT)
    assert recipe.options == {
        "encoders": "mini",
        "backbone.name": "mini-clip",
        "audio_encoder.name": "audio_encoder",
        "training.learning_rate": 0.1,
        "training.epochs": 20,
        "training.steps": None,
        "training.schedule.name": "cosine",
        "training.optimizer.name": "adam",
        "training.callbacks": {},
        "train_list": "list.txt",
        "shards": None,
        "precision": "bf16",
    }


@pytest.mark.parametrize("schedule", ["restarts", {"name": "restarts"}])
def test_a_bare_name_is_the_option_name(write: Any, schedule: Any) -> None:
    """So that runs are told apart however their schedule is written."""
    options = read_recipe(write({"schedule": schedule}, {}), RESULT).options
    assert options["training.schedule.name"] == "restarts"
    asked = read_recipe(write({}, {"overrides": ["training.schedule=restarts"]}), RESULT).asked
    assert asked["training.schedule.name"] == "restarts"


def test_options_of_a_schedule_tell_runs_apart(write: Any) -> None:
    schedule = {"name": "restarts", "period": 50}
    assert read_recipe(write({"schedule": schedule}, {}), RESULT).options["training.schedule.period"] == 50


def test_epochs_say_nothing_where_there_are_steps(write: Any) -> None:
    options = read_recipe(write({"steps": 5}, {}), RESULT).options
    assert options["training.steps"] == 5
    assert "training.epochs" not in options


def test_what_trains_nothing_has_no_training(write: Any) -> None:
    untrained = RESULT.model_copy(update={"trainable_parameters": 0})
    names = {"encoders", "backbone.name", "audio_encoder.name", "precision"}
    assert set(read_recipe(write({}, {}), untrained).options) == names


def test_knows_what_the_user_asked_for(write: Any) -> None:
    run = {"overrides": ["training.flip=false", "prompt.name=other"], "training": {"steps": 5}}
    asked = read_recipe(write({"steps": 5}, run), RESULT).asked
    assert (asked["training.steps"], asked["training.flip"]) == (5, False)
    assert "training.learning_rate" not in asked


def test_results_alone_have_encoders(tmp_path: Path) -> None:
    assert read_recipe(tmp_path, RESULT).options == {"encoders": "mini"}
