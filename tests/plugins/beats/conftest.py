"""A tiny BEATs, random and golden."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from avprompt_beats.architecture import BeatsArchitecture
from avprompt_beats.model import Beats

GOLDEN = Path(__file__).resolve().parents[2] / "data" / "golden"


@pytest.fixture(scope="session")
def golden_checkpoint() -> Path:
    return GOLDEN / "beats_tiny.pt"


@pytest.fixture(scope="session")
def golden() -> dict[str, Tensor]:
    return load_file(GOLDEN / "beats_io.safetensors")


@pytest.fixture(params=["cpu", "cuda"])
def device(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> torch.device:
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("no GPU here")
    monkeypatch.setattr("torch.backends.cudnn.allow_tf32", False)  # convolutions, by default, are in TF32
    return torch.device(request.param)


@pytest.fixture(scope="session")
def arch() -> BeatsArchitecture:
    return BeatsArchitecture(
        embed_dim=24,
        encoder_layers=3,
        encoder_embed_dim=32,
        encoder_ffn_embed_dim=64,
        encoder_attention_heads=4,
        deep_norm=True,
        conv_pos=16,
        conv_pos_groups=4,
        relative_position_embedding=True,
        gru_rel_pos=True,
        max_distance=800,
    )


@pytest.fixture
def beats(arch: BeatsArchitecture) -> Beats:
    torch.manual_seed(0)
    return Beats(arch).eval()


@pytest.fixture(scope="session")
def noise() -> Tensor:
    """Half a second of noise."""
    return 0.1 * torch.randn(1, 8000, generator=torch.Generator().manual_seed(1))
