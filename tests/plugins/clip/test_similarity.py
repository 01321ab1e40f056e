from __future__ import annotations

import pytest
import torch
from torch import Tensor

from avprompt.records import ImageFeatures
from avprompt_clip.clipseg import ClipSegBackbone
from avprompt_clip.similarity import SimilarityDecoder, SimilarityOptions


@pytest.fixture
def decoder(backbone: ClipSegBackbone) -> SimilarityDecoder:
    return SimilarityDecoder(SimilarityOptions(scale=10, offset=0.5), backbone)


@pytest.fixture
def image() -> ImageFeatures:
    """Two channels, a grid of 1 x 3: along the first axis, along the second, and between them."""
    dense = torch.tensor([[[[2.0, 0.0, 3.0]], [[0.0, 5.0, 3.0]]]])  # (1, 2, 1, 3)
    return ImageFeatures(torch.zeros(1, 2), (), dense)


def test_logits_by_hand(decoder: SimilarityDecoder, image: ImageFeatures) -> None:
    logits = decoder(image, torch.tensor([[7.0, 0.0]]))
    torch.testing.assert_close(logits, torch.tensor([[[5.0, -5.0, 10 * (0.5**0.5 - 0.5)]]]))


def test_pairs_by_hand(decoder: SimilarityDecoder, image: ImageFeatures) -> None:
    logits = decoder(image, torch.eye(2), pairs=True)
    slanted = 10 * (0.5**0.5 - 0.5)
    torch.testing.assert_close(logits, torch.tensor([[[[5.0, -5.0, slanted]], [[-5.0, 5.0, slanted]]]]))


def test_every_pair_may_have_its_own_text(decoder: SimilarityDecoder, features: ImageFeatures) -> None:
    text = torch.randn(2, 3, 40, generator=torch.Generator().manual_seed(0))
    pairs = decoder(features, text, pairs=True)
    assert pairs.shape == (2, 3, 2, 2)
    for j in range(3):
        torch.testing.assert_close(pairs[:, j], decoder(features, text[:, j]))


def test_it_has_no_parameters_but_passes_gradients(
    decoder: SimilarityDecoder, features: ImageFeatures
) -> None:
    assert list(decoder.parameters()) == []
    text: Tensor = features.pooled.clone().requires_grad_()
    decoder(features, text).sum().backward()
    assert text.grad is not None
