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
        torch.testing.assert_close(ours(features.hidden, text[:2]), expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("patch_size", [8, 12, 14, 16, 32])
@pytest.mark.parametrize("refined", [True, False])
def test_logits_have_the_size_of_the_image(patch_size: int, refined: bool, features: ImageFeatures) -> None:
    network = ClipSegNetwork(48, 40, 3, patch_size, 16, complex_transposed=refined)
    assert network(features.hidden, features.pooled).shape == (2, 2 * patch_size, 2 * patch_size)
