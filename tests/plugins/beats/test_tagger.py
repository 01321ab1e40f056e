"""A fine-tuned BEATs names what it hears, by the predictor and the label table of its checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from avprompt.errors import WeightsError
from avprompt.testing import check_audio_encoder
from avprompt_beats import checkpoint
from avprompt_beats.architecture import BeatsArchitecture
from avprompt_beats.encoder import BeatsEncoder, BeatsOptions
from avprompt_beats.labels import audioset_names, class_names
from avprompt_beats.model import Beats
from avprompt_beats.predictor import Predictor
from avprompt_beats.published import PRETRAINED_NAME

MIDS = {2: "/m/09x0r", 0: "/m/0bt9lr", 1: "/m/028v0c"}  # in no order, as files have them
NAMES = ("Dog", "Silence", "Speech")


def official(path: Path, beats: Beats, **entries: Any) -> dict[str, Any]:
    """Write a random fine-tuned checkpoint in the official format, and return its content."""
    draw = torch.Generator().manual_seed(2)
    predictor = {"predictor.weight": torch.randn(3, 32, generator=draw), "predictor.bias": torch.arange(3.0)}
    cfg = {**beats.arch.model_dump(), "finetuned_model": True, "predictor_class": 3}
    content = {"cfg": cfg, "model": {**beats.state_dict(), **predictor}, "label_dict": MIDS, **entries}
    torch.save({name: entry for name, entry in content.items() if entry is not None}, path)
    return content


def opened(path: Path, *layers: int) -> BeatsEncoder:
    encoder = BeatsEncoder(BeatsOptions(checkpoint=str(path), layers=layers or (1, 3)))
    encoder.load_weights()
    return encoder


@pytest.mark.parametrize("layers", [(1, 3), (3, 0), (3,)])
def test_scores_are_the_mean_logits_of_the_last_layer(
    beats: Beats, noise: Tensor, tmp_path: Path, layers: tuple[int, ...]
) -> None:
    state = official(tmp_path / "tuned.pt", beats)["model"]
    encoder = opened(tmp_path / "tuned.pt", *layers)
    logits = beats(noise)[-1] @ state["predictor.weight"].T + state["predictor.bias"]  # (1, L, 3)
    assert encoder.labels == NAMES
    torch.testing.assert_close(encoder.tag(encoder(noise)), logits.mean(1))


def test_the_output_of_a_norm_first_encoder_is_normalised(
    arch: BeatsArchitecture, noise: Tensor, tmp_path: Path
) -> None:
    arch = arch.model_copy(update={"layer_norm_first": True, "deep_norm": False})
    beats = Beats(arch).eval()
    torch.nn.init.normal_(beats.encoder.layer_norm.weight)
    state = official(tmp_path / "tuned.pt", beats)["model"]
    encoder = opened(tmp_path / "tuned.pt")
    last = beats.encoder.layer_norm(beats(noise)[-1])
    expected = (last @ state["predictor.weight"].T + state["predictor.bias"]).mean(1)
    torch.testing.assert_close(encoder.tag(encoder(noise)), expected)


def test_a_tagger_is_a_frozen_encoder_that_keeps_its_promises(beats: Beats, tmp_path: Path) -> None:
    official(tmp_path / "tuned.pt", beats)
    encoder = opened(tmp_path / "tuned.pt")
    check_audio_encoder(encoder)
    plain = sum(parameter.numel() for parameter in beats.parameters())
    assert sum(parameter.numel() for parameter in encoder.parameters()) == plain


def test_labels_are_known_before_weights_are_read(beats: Beats, tmp_path: Path) -> None:
    official(tmp_path / "tuned.pt", beats)
    with torch.device("meta"):
        assert BeatsEncoder(BeatsOptions(checkpoint=str(tmp_path / "tuned.pt"), layers=(3,))).labels == NAMES


@pytest.mark.parametrize(
    "entries",
    [
        {"label_dict": None},
        {"cfg": {"finetuned_model": False}},
        {"label_dict": MIDS | {1: "/m/not_in_audioset"}},
    ],
)
def test_who_cannot_name_every_class_is_no_tagger(
    beats: Beats, noise: Tensor, tmp_path: Path, entries: dict[str, Any]
) -> None:
    if "cfg" in entries:
        entries = {"cfg": {**beats.arch.model_dump(), **entries["cfg"]}}
    official(tmp_path / "tuned.pt", beats, **entries)
    encoder = opened(tmp_path / "tuned.pt")
    assert encoder.labels == ()
    with pytest.raises(NotImplementedError, match="BeatsEncoder is no tagger"):
        encoder.tag(encoder(noise))


def test_without_the_last_block_there_is_nothing_to_predict_from(beats: Beats, tmp_path: Path) -> None:
    official(tmp_path / "tuned.pt", beats)
    assert opened(tmp_path / "tuned.pt", 1, 2).labels == ()


def test_a_pretrained_checkpoint_that_is_not_there_names_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AVPROMPT_HOME", str(tmp_path))
    with torch.device("meta"):
        assert BeatsEncoder(BeatsOptions(checkpoint=PRETRAINED_NAME)).labels == ()
        assert len(BeatsEncoder(BeatsOptions()).labels) == 527


def test_safetensors_keep_predictor_and_labels(beats: Beats, noise: Tensor, tmp_path: Path) -> None:
    predictor = Predictor(32, 3)
    torch.nn.init.normal_(predictor.weight)
    checkpoint.save(beats, tmp_path / "tuned.safetensors", predictor, ("owl", "striped cat", "hum"))
    encoder = opened(tmp_path / "tuned.safetensors")
    assert encoder.labels == ("owl", "striped cat", "hum")
    torch.testing.assert_close(encoder.tag(encoder(noise)), predictor(beats(noise)[-1]))


@pytest.mark.parametrize("table", [{1: "/m/09x0r", 2: "/m/0bt9lr"}, ["/m/09x0r"], {"0": "/m/09x0r"}])
def test_a_table_that_does_not_number_the_classes(beats: Beats, tmp_path: Path, table: Any) -> None:
    official(tmp_path / "tuned.pt", beats, label_dict=table)
    with pytest.raises(WeightsError, match=r"tuned\.pt' has a damaged 'label_dict': it must number classes"):
        opened(tmp_path / "tuned.pt")


def test_a_table_of_another_predictor(beats: Beats, tmp_path: Path) -> None:
    official(tmp_path / "tuned.pt", beats, label_dict={0: "/m/09x0r"})
    with pytest.raises(WeightsError, match=r"tuned\.pt' does not fit this architecture"):
        opened(tmp_path / "tuned.pt")


def test_audioset_has_527_names() -> None:
    names = audioset_names()
    assert len(names) == len(set(names.values())) == 527
    assert names["/m/05zppz"] == "Male speech, man speaking"
    assert class_names(["/t/dd00136", "siren"]) == ("Whimper (dog)", "siren")
