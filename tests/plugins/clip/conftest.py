"""A tiny CLIPSeg: the golden checkpoint, and what the official code makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from avprompt.records import ImageFeatures, Prompt
from avprompt_clip.clipseg import ClipSegBackbone, ClipSegOptions

GOLDEN = Path(__file__).resolve().parents[2] / "data" / "golden"


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AVPROMPT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))


@pytest.fixture(params=["cpu", "cuda"])
def device(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> torch.device:
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("no GPU here")
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    return torch.device(request.param)


@pytest.fixture(scope="session")
def checkpoint() -> Path:
    return GOLDEN / "clipseg_tiny"


@pytest.fixture(scope="session")
def golden() -> dict[str, Tensor]:
    return load_file(GOLDEN / "clip_io.safetensors")


@pytest.fixture
def backbone(checkpoint: Path) -> ClipSegBackbone:
    backbone = ClipSegBackbone(ClipSegOptions(checkpoint=str(checkpoint), image_size=64))
    backbone.load_weights()
    return backbone


@pytest.fixture
def prompt(backbone: ClipSegBackbone, golden: dict[str, Tensor]) -> Prompt:
    """`<sos> a photo of [V_A] <eos>` for the golden audio tokens."""
    tokens = golden["projection.audio_token"][:, None]
    start, end = backbone.special_token_embeddings()
    words = torch.cat([start[None], backbone.embed_text("a photo of")]).expand(len(tokens), -1, -1)
    return Prompt(torch.cat([words, tokens, end.expand_as(tokens)], dim=1), read_at=5)


@pytest.fixture(scope="session")
def features() -> ImageFeatures:
    """Random features of two images as the tiny CLIPSeg has them, on a grid of 2 x 2."""
    draw = torch.Generator().manual_seed(0)
    hidden = tuple(torch.randn(2, 5, 48, generator=draw) for _ in range(3))
    return ImageFeatures(torch.randn(2, 40, generator=draw), hidden, torch.randn(2, 40, 2, 2, generator=draw))
