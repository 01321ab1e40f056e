"""Every benchmark is trained on and scored from end to end, on a small root in its official layout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import avprompt
from avprompt.plugin.discovery import Loaded
from avprompt.runs.results import Counts
from layouts import LAYOUTS
from layouts.folder import folder, unmarked


def run(dataset: str, root: Path, **options: Any) -> avprompt.RunResult:
    output = root.parent / "run"
    return avprompt.run(
        "souple", dataset, data_root=root, encoders="mini", steps=2, batch_size=2, output=output, **options
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


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


class TestOwnClips:
    def test_that_nobody_annotated_are_trained_on_and_drawn(self, root: Path) -> None:
        result, folder_of_run = run("folder", unmarked(root)), root.parent / "run"
        assert result.scores == {}
        assert result.notes == ["no clip has a mask or boxes: all are drawn, none is scored"]
        assert result.drawn == Counts(used=2, expected=2)
        assert names(folder_of_run / "overlays") == ["one.png", "two.png"]
        heatmap = np.load(folder_of_run / "heatmaps/one.npy")
        assert heatmap.shape == (224, 224)
        assert ((heatmap >= 0) & (heatmap <= 1)).all()
        files = names(folder_of_run)
        assert {"checkpoint.safetensors", "gallery.png"} < set(files)
        assert "samples.csv" not in files, "there is not one score to write"

    def test_that_are_annotated_in_part_are_scored_in_part_and_all_drawn(self, root: Path) -> None:
        result = run("folder", folder(root))
        assert result.samples["test"].used == 2
        assert result.drawn == Counts(used=3, expected=3)
        assert names(root.parent / "run/overlays") == ["drum.png", "parrot.png", "sea.png"]

    def test_that_cannot_be_read_are_named(self, root: Path) -> None:
        (unmarked(root) / "videos/three.mp4").write_text("no video")
        result = run("folder", root)
        assert result.drawn == Counts(used=2, expected=3)
        rows = (root.parent / "run/skipped.csv").read_text().splitlines()
        assert any(row.startswith("drawn,three,") for row in rows)

    def test_are_not_drawn_without_pictures(self, root: Path) -> None:
        result = run("folder", unmarked(root), pictures=0)
        assert result.drawn is None
        assert not (root.parent / "run/overlays").exists()

    def test_overlays_are_as_large_as_their_pictures(self, root: Path) -> None:
        run("folder", folder(root))
        with Image.open(root.parent / "run/overlays/drum.png") as overlay:
            assert overlay.size == (90, 60)
