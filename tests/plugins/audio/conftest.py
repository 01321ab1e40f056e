"""Tiny random models in the folders that their libraries write, weights included."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
import transformers
from safetensors.torch import save_file
from transformers import ASTConfig, ASTForAudioClassification, ClapAudioConfig, ClapConfig, ClapModel

AST: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 48,
    "max_length": 256,
}
CLAP_AUDIO: dict[str, Any] = {
    "patch_embeds_hidden_size": 8,
    "hidden_size": 32,
    "depths": [1, 1, 1],
    "num_attention_heads": [1, 2, 4],
}
CLAP_TEXT: dict[str, Any] = {
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 1,
    "intermediate_size": 16,
    "vocab_size": 9,
}
VIT: dict[str, Any] = {
    "img_size": [1024, 128],
    "in_chans": 1,
    "embed_dim": 24,
    "depth": 2,
    "num_heads": 2,
}


@pytest.fixture(autouse=True)
def _quiet_and_offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("AVPROMPT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    before = transformers.logging.get_verbosity()
    transformers.logging.set_verbosity_error()
    yield
    transformers.logging.set_verbosity(before)


@pytest.fixture(scope="session")
def ast_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As published: with a classifier that the encoder does without."""
    folder = tmp_path_factory.mktemp("ast")
    torch.manual_seed(0)
    ASTForAudioClassification(ASTConfig(**AST)).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def write_clap(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bool], Path]:
    """As published: a whole CLAP with its text tower, with or without feature fusion."""

    def write(fused: bool) -> Path:
        folder = tmp_path_factory.mktemp("clap")
        torch.manual_seed(0)
        audio = ClapAudioConfig(**CLAP_AUDIO, enable_fusion=fused, fusion_type="aff_2d" if fused else None)
        config = ClapConfig(text_config=CLAP_TEXT, audio_config=audio.to_dict())
        ClapModel(config).save_pretrained(folder)
        return folder

    return write


@pytest.fixture(scope="session")
def clap_folder(write_clap: Callable[[bool], Path]) -> Path:
    return write_clap(False)


@pytest.fixture(scope="session")
def write_audiomae(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """As published: pretrained (pooling "token": norm before it) or fine-tuned ("avg": norm after it)."""

    def write(pooling: str) -> Path:
        folder = tmp_path_factory.mktemp("audiomae")
        torch.manual_seed(0)
        arguments = {**VIT, "global_pool": pooling}
        vit = timm.create_model("vit_base_patch16_224", **arguments, num_classes=5)
        save_file(vit.state_dict(), folder / "model.safetensors")
        config = {"architecture": "vit_base_patch16_224", "model_args": arguments}
        (folder / "config.json").write_text(json.dumps(config))
        return folder

    return write


@pytest.fixture(scope="session")
def audiomae_folder(write_audiomae: Callable[[str], Path]) -> Path:
    return write_audiomae("avg")
