from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import CLIPSegConfig, CLIPSegForImageSegmentation

from avprompt.records import ImageFeatures
from avprompt_clip.decoder import ClipSegNetwork


@pytest.fixture(scope="module")
def network() -> ClipSegNetwork:
    torch.manual_seed(0)
    return ClipSegNetwork(48, 40, layers=3, patch_size=16, reduce_dim=16, heads=4, intermediate=32)


@pytest.fixture(scope="module")
def text() -> Tensor:
    return torch.randn(3, 40, generator=torch.Generator().manual_seed(1))


def test_published_size_has_the_published_parameters() -> None:
    with torch.device("meta"):
        network = ClipSegNetwork(768, 512, layers=3, patch_size=16)
    assert sum(parameter.numel() for parameter in network.parameters()) == 1_127_009


@pytest.mark.parametrize("refined", [True, False])
def test_names_and_shapes_are_those_of_transformers(refined: bool, checkpoint: Path) -> None:
    config = CLIPSegConfig.from_pretrained(checkpoint)
    config.use_complex_transposed_convolution = refined
    theirs = CLIPSegForImageSegmentation(config).decoder.state_dict()
    ours = ClipSegNetwork(48, 40, 3, 16, 16, 4, 32, complex_transposed=refined).state_dict()
    assert {name: t.shape for name, t in ours.items()} == {name: t.shape for name, t in theirs.items()}


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_equals_transformers_at_every_conditional_layer(
    layer: int, checkpoint: Path, features: ImageFeatures, text: Tensor
) -> None:
    config = CLIPSegConfig.from_pretrained(checkpoint)
    config.conditional_layer = layer
    theirs = CLIPSegForImageSegmentation(config).decoder.eval()
    ours = ClipSegNetwork(48, 40, 3, 16, 16, 4, 32, conditional_layer=layer)
    ours.load_state_dict(theirs.state_dict())
    with torch.no_grad():
        expected = theirs(features.hidden, text[:2])
        expected = expected.logits if hasattr(expected, "logits") else expected[0]
        torch.testing.assert_close(ours(features.hidden, text[:2]), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("patch_size", [8, 12, 14, 16, 32])
@pytest.mark.parametrize("refined", [True, False])
def test_logits_have_the_size_of_the_image(patch_size: int, refined: bool, features: ImageFeatures) -> None:
    network = ClipSegNetwork(48, 40, 3, patch_size, 16, complex_transposed=refined)
    assert network(features.hidden, features.pooled).shape == (2, 2 * patch_size, 2 * patch_size)


@pytest.mark.parametrize("chunk", [1, 4, 6, 64])
def test_chunks_change_no_value(
    chunk: int, network: ClipSegNetwork, features: ImageFeatures, text: Tensor
) -> None:
    logits = network.decode_pairs(network.prepare(features.hidden), text, chunk)
    assert logits.shape == (2, 3, 32, 32)
    for i in range(2):
        hidden = tuple(state[[i] * 3] for state in features.hidden)
        torch.testing.assert_close(logits[i], network(hidden, text), atol=1e-5, rtol=1e-4)


def test_every_pair_may_have_its_own_text(
    network: ClipSegNetwork, features: ImageFeatures, text: Tensor
) -> None:
    reduced = network.prepare(features.hidden)
    own = torch.stack([text, text.flip(0)])  # (B, B_audio, D)
    logits = network.decode_pairs(reduced, own, chunk=4)
    shared = network.decode_pairs(reduced, text, chunk=4)
    torch.testing.assert_close(logits[0], shared[0])
    torch.testing.assert_close(logits[1], shared[1].flip(0))


def test_gradients_reach_every_parameter_and_both_inputs(features: ImageFeatures, text: Tensor) -> None:
    network = ClipSegNetwork(48, 40, 3, 16, 16, 4, 32)
    hidden = tuple(state.clone().requires_grad_() for state in features.hidden)
    text = text.clone().requires_grad_()
    network.decode_pairs(network.prepare(hidden), text, chunk=4).square().mean().backward()
    # The keys' bias is the exception: softmax does not feel it.
    parts = {name: tensor for name, tensor in network.named_parameters() if "k_proj.bias" not in name}
    assert all(tensor.grad is not None and tensor.grad.any() for tensor in (*parts.values(), *hidden, text))
