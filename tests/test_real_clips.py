"""Photographs and recordings in the official VGG-SS layout, against what the official code makes of them."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from safetensors.numpy import load_file

from avprompt.cli import main


@pytest.fixture
def official(shared: Path) -> Path:
    return shared / "golden" / "acl_tiny"


@pytest.fixture
def acl(official: Path) -> list[str]:
    """ACL-SSL with the tiny official checkpoints."""
    return [
        "--set", "backbone.name=clipseg",
        "--set", f"backbone.checkpoint={official / 'clipseg_tiny'}",
        "--set", "audio_encoder.name=beats",
        "--set", f"audio_encoder.checkpoint={official / 'beats_tiny.pt'}",
        "--checkpoint", str(official / "acl_param_tiny.pth"),
    ]  # fmt: skip


def avprompt(*arguments: object) -> str:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_the_whole_chain_equals_the_official_evaluation(
    shared: Path, official: Path, acl: list[str], tmp_path: Path
) -> None:
    root = shared / "data" / "clips"
    avprompt(
        "evaluate", "acl-ssl", "--dataset", "vggss", "--data-root", root, *acl, "--output", tmp_path / "o"
    )
    found = json.loads((tmp_path / "o" / "results.json").read_text())
    assert found["samples"]["test"] == {"used": 24, "expected": 27}
    expected: dict[str, dict[str, float]] = json.loads((official / "vggss_layout_expected.json").read_text())
    sweep = found["scores"]["test"]["acl-sweep"]["by_threshold"]
    ours: dict[str, Any] = {**sweep, "adaptive": found["scores"]["test"]["ezvsl-median"]}
    assert len(sweep) == 19
    assert set(expected) == set(ours)
    for threshold, scores in expected.items():
        mine = ours[threshold]
        assert mine["cIoU"] == pytest.approx(scores["cIoU(AP50)"], abs=0.01), threshold
        assert mine["AUC"] == pytest.approx(scores["AUC"], abs=0.01), threshold
        assert mine["mean_IoU"] == pytest.approx(scores["mean_cIoU"], abs=0.01), threshold


def test_localize_equals_the_official_heatmap(
    shared: Path, official: Path, acl: list[str], tmp_path: Path
) -> None:
    heatmaps = load_file(official / "vggss_layout_heatmaps_224.safetensors")
    clips = shared / "data" / "clips"
    for name in sorted(heatmaps)[::12]:
        avprompt(
            "localize", "--method", "acl-ssl", *acl, clips / "frames" / f"{name}.jpg",
            "--audio", clips / "audio" / f"{name}.wav", "--save-heatmap", tmp_path / "h.npy",
        )  # fmt: skip
        ours = np.load(tmp_path / "h.npy")
        assert (ours.shape, ours.dtype) == ((224, 224), np.float32)
        assert np.abs(ours - heatmaps[name].squeeze()).max() < 2e-3


def test_souple_trains_on_real_clips_and_names_those_without_a_frame(shared: Path, tmp_path: Path) -> None:
    output = avprompt(
        "run", "souple", "--dataset", "vggss", "--data-root", shared / "data" / "clips", "--encoders", "tiny",
        "--steps", 2, "--batch-size", 4, "--output", tmp_path / "o",
    )  # fmt: skip
    found = json.loads((tmp_path / "o" / "results.json").read_text())
    assert found["samples"]["test"] == {"used": 24, "expected": 27}
    with (tmp_path / "o" / "skipped.csv").open(newline="") as file:
        skipped = {row["id"] for row in csv.DictReader(file) if row["split"] == "test"}
    videos = {path.stem for path in (shared / "data" / "clips" / "videos").glob("*.mp4")}
    assert skipped == videos
    assert "3 of 27 samples could not be used" in output
    assert all(name in output for name in videos)
