"""Every benchmark is trained on and scored from end to end, on a small root in its official layout."""

from __future__ import annotations

from pathlib import Path

import pytest

import avprompt
from avprompt.plugin.discovery import Loaded
from layouts import LAYOUTS
from layouts.folder import unmarked


def run(dataset: str, root: Path) -> avprompt.RunResult:
    return avprompt.run(
        "souple", dataset, data_root=root, encoders="mini", steps=2, batch_size=2, output=root.parent / "run"
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_run_scores_every_sample_that_is_there(loaded: Loaded, name: str, root: Path) -> None:
    result = run(name, LAYOUTS[name](root))
    adapter = loaded.registry.load("datasets", name)(root)
    assert tuple(result.scores) == adapter.test_splits
    for split, scores in result.scores.items():
        there = adapter.split(split)
        assert tuple(scores) == adapter.protocols
        assert (result.samples[split].used, result.samples[split].expected) == (
            len(there.samples),
            there.expected,
        )
    protocol, metric = result.headline
    assert 0 <= next(iter(result.scores.values()))[protocol][metric] <= 100


def test_clips_that_nobody_annotated_are_trained_on(loaded: Loaded, root: Path) -> None:
    result = run("folder", unmarked(root))
    assert result.scores == {}
    assert result.notes == ["no clip has a mask or boxes: nothing can be scored"]
    assert (root.parent / "run/checkpoint.safetensors").is_file()
