"""ACL-SSL end to end against the official code, on the CPU and on a GPU where there is one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from avprompt.config.method_config import resolve
from avprompt.model.build import build
from avprompt.model.grounding import Grounding
from avprompt.model.method import Method
from avprompt.registry import Registry
from avprompt.weights.checkpoint import checkpoint_formats, load_checkpoint
from tinyworld.training import ground, without_noise

Golden = dict[str, Tensor]
THEIRS = {"projection": "audio_proj", "masker": "masker_i"}


@pytest.fixture(params=["cpu", "cuda"])
def device(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> torch.device:
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("no GPU here")
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    return torch.device(request.param)


@pytest.fixture(scope="module")
def golden(golden_folder: Path) -> Golden:
    return load_file(golden_folder / "clip_io.safetensors") | load_file(golden_folder / "acl_io.safetensors")


@pytest.fixture
def method(
    registry: Registry, golden_encoders: tuple[str, ...], golden_folder: Path, device: torch.device
) -> Method:
    overrides = (*golden_encoders, "projection.dropout=0")
    method = build(resolve(registry, "acl-ssl", "published", overrides), registry)
    load_checkpoint(method, golden_folder / "acl_param_tiny.pth", checkpoint_formats(registry))
    return method.to(device).train()


@pytest.fixture
def pixels(golden: Golden, device: torch.device) -> Tensor:
    return golden["image.pixels"].to(device)


@pytest.fixture
def waveform(golden: Golden, device: torch.device) -> Tensor:
    return golden["audio.waveform"].to(device)


@pytest.fixture
def grounding(method: Method, pixels: Tensor, waveform: Tensor) -> Grounding:
    return ground(method, pixels, waveform, without_noise)


def assert_near(ours: Tensor, official: Tensor, atol: float = 1e-4, rtol: float = 0.0) -> None:
    torch.testing.assert_close(ours.detach().cpu(), official.reshape(ours.shape), atol=atol, rtol=rtol)


def test_audio_tokens(method: Method, device: torch.device, golden: Golden) -> None:
    frames = golden["beats.layers_4_8_12"].to(device)
    assert_near(method.projection(frames), golden["projection.audio_token"])


def test_text_features_from_the_waveform(grounding: Grounding, golden: Golden) -> None:
    for text in grounding.text:  # the same for every image
        assert_near(text, golden["prompt.audio_driven_embedding"])


def test_masks_and_masked_features(grounding: Grounding, golden: Golden) -> None:
    assert_near(grounding.logits, golden["decoder.logits_all_pairs"])
    assert_near(grounding.image_level, golden["train.v_i"])
    # Ours divides by the masks' total, as the published code does.
    assert_near(grounding.feature_level, golden["train.v_f"])


def test_areas(grounding: Grounding, golden: Golden) -> None:
    positive, negative = grounding.areas
    assert_near(positive, golden["train.positive_area"], atol=0, rtol=1e-4)
    assert_near(negative, golden["train.negative_area"], atol=0, rtol=1e-4)


def test_losses(method: Method, grounding: Grounding, golden: Golden) -> None:
    terms = method.loss_terms(grounding)
    official = {
        "image-contrastive": golden["train.loss_acl_i"],
        "feature-contrastive": golden["train.loss_acl_f"],
        "area": golden["train.loss_area"],
    }
    for name, value in official.items():
        assert_near(terms[name], value, atol=0, rtol=1e-4)
    assert_near(terms["total"], sum(official.values()), atol=0, rtol=1e-4)


def test_gradients(method: Method, grounding: Grounding, golden: Golden) -> None:
    method.loss_terms(grounding)["total"].backward()
    compared = set()
    for part, theirs in THEIRS.items():
        for name, parameter in method.parts()[part].named_parameters():
            official = golden[f"train.grad.{theirs}.{name}"]
            assert parameter.grad is not None
            error = (parameter.grad.cpu() - official.reshape(parameter.shape)).norm()
            # A bias before a softmax has no gradient but noise of 1e-10, hence the floor.
            assert error <= 1e-4 * official.norm() + 1e-9, f"{part}.{name}: {error / official.norm():.2g}"
            compared.add(f"train.grad.{theirs}.{name}")
    assert compared == {name for name in golden if name.startswith("train.grad.")}
    assert not any(p.grad is not None for p in method.decoder.parameters())


def test_heatmaps(method: Method, pixels: Tensor, waveform: Tensor, golden: Golden) -> None:
    method.eval()
    with torch.no_grad():
        image = method.encode_image(pixels)
        text = method.read(method.listen(method.encode_audio(waveform)), image)
    assert_near(method.locate(image, text, (64, 64)).heatmap, golden["infer.heatmap_64"])
