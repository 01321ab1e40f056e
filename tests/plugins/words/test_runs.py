"""`tag-words` through the commands: nothing is trained, everything else is as for other methods."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import avprompt
from avprompt.plugin.discovery import Loaded
from avprompt.runs.describe import describe_method
from avprompt.runs.settings import Settings


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("words") / "run"
    avprompt.run("tag-words", "toy", output=folder, pictures=0)
    return folder


@pytest.mark.slow
def test_it_scores_above_the_floors_by_listening(run: Path) -> None:
    result = avprompt.evaluate(run, output=run.parent / "evaluated", pictures=0)
    assert result.scores["test"]["val-threshold"]["cIoU"] > 90
    assert result.class_supervised["test"]["named by the tagger"]["cIoU"] > 90
    assert result.audio_reliance["test"]["shuffled"]["cIoU"] < 20
    assert (result.trainable_parameters, result.training, result.checkpoint_sha256) == (0, None, None)
    assert any("nothing is trained" in note for note in result.notes)
    assert not (run / "checkpoint.safetensors").exists()
    assert (run / "samples.csv").read_text() == (run.parent / "evaluated/samples.csv").read_text()


@pytest.mark.slow
def test_it_localises(run: Path) -> None:
    image, sound = np.full((96, 96, 3), 128, np.uint8), 0.1 * np.ones(32_000, np.float32)
    heatmap = avprompt.load(run).localize(image, sound, rate=16_000).heatmap
    assert heatmap.shape == (96, 96)


def test_it_is_described_at_the_published_size(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    words, souple = (describe_method(loaded, name, Settings()) for name in ("tag-words", "souple"))
    assert words.trainable == 0
    frozen = {part.part: part.frozen for part in souple.parts}
    assert [part.frozen for part in words.parts[:2]] == [frozen["backbone"], frozen["audio_encoder"]]


def test_encoders_that_name_nothing_are_refused_before_anything_is_run(tmp_path: Path) -> None:
    with pytest.raises(avprompt.AvpromptError, match="BeatsEncoder has no labels with these options"):
        avprompt.run("tag-words", "toy", output=tmp_path / "x", overrides=["audio_encoder.layers=[2, 3]"])
    assert not (tmp_path / "x").exists()
