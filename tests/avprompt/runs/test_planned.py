"""What is known of runs before they are made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from avprompt.plugin.discovery import Loaded
from avprompt.runs.directory import RunDirectory
from avprompt.runs.planned import planned
from avprompt.runs.recipe import read_recipe
from avprompt.runs.run import execute
from avprompt.runs.session import open_session
from avprompt.runs.settings import Settings


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("souple", {"steps": 2, "batch_size": 4, "overrides": ["training.flip=false"]}),
        ("souple", {"steps": 2, "overrides": ["audio_encoder.gain=2"], "protocols": ["acl-sweep"]}),
        ("oracle", {"seed": 3}),
    ],
)
def test_runs_are_made_as_they_were_planned(
    loaded: Loaded, tmp_path: Path, method: str, options: dict[str, Any]
) -> None:
    settings = Settings.of({"dataset": "tiny", "pictures": 0} | options)
    plan = planned(loaded, method, settings, [settings.seed], None)
    directory = RunDirectory(tmp_path / "run")
    result = execute(open_session(loaded, method, settings), directory)
    assert plan.recipe == read_recipe(directory.path, result)
    assert plan.name == method
    for what in ("method", "dataset", "encoders", "seed", "trainable_parameters", "headline"):
        assert getattr(plan.results[0], what) == getattr(result, what)
