from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from avprompt.records import ImageFeatures
from avprompt_clip.attention_map import AttentionMapDecoder, AttentionMapOptions
from avprompt_clip.clipseg import ClipSegBackbone


@pytest.fixture
def decoder(backbone: ClipSegBackbone) -> AttentionMapDecoder:
    return AttentionMapDecoder(AttentionMapOptions(temperature=0.5, offset=0), backbone)


@pytest.fixture
def image() -> ImageFeatures:
    """Two channels, a grid of 1 x 3: along the first axis, along the second, and between them."""
    dense = torch.tensor([[[[2.0, 0.0, 3.0]], [[0.0, 5.0, 3.0]]]])  # (1, 2, 1, 3)
    return ImageFeatures(torch.zeros(1, 2), (), dense)


def expected(*cosines: float) -> list[float]:
    """The logits of three patches at a temperature of one half."""
    weights = [math.exp(2 * cosine) for cosine in cosines]
    return [math.log(3 * weight / sum(weights)) for weight in weights]


def test_logits_by_hand(decoder: AttentionMapDecoder, image: ImageFeatures) -> None:
    logits = decoder(image, torch.tensor([[7.0, 0.0]]))
    torch.testing.assert_close(logits, torch.tensor([[expected(1, 0, 0.5**0.5)]]))


def test_pairs_by_hand(decoder: AttentionMapDecoder, image: ImageFeatures) -> None:
    logits = decoder(image, torch.eye(2), pairs=True)
    maps = [[expected(1, 0, 0.5**0.5)], [expected(0, 1, 0.5**0.5)]]
    torch.testing.assert_close(logits, torch.tensor([maps]))


def test_attention_sums_to_one_in_every_map(decoder: AttentionMapDecoder, features: ImageFeatures) -> None:
    attention = decoder(features, torch.randn(3, 40), pairs=True).exp() / 4  # of 2 x 2 patches
    torch.testing.assert_close(attention.sum((-2, -1)), torch.ones(2, 3))


def test_where_all_patches_are_alike_no_one_stands_out(
    decoder: AttentionMapDecoder, image: ImageFeatures
) -> None:
    alike = ImageFeatures(image.pooled, (), torch.ones(1, 2, 4, 5))
    torch.testing.assert_close(decoder(alike, torch.tensor([[1.0, 0.0]])), torch.zeros(1, 4, 5))


def test_offset_is_taken_off(backbone: ClipSegBackbone, image: ImageFeatures) -> None:
    text = torch.tensor([[1.0, 0.0]])
    with_offset, without = (
        AttentionMapDecoder(AttentionMapOptions(temperature=0.5, offset=offset), backbone)(image, text)
        for offset in (1.5, 0.0)
    )
    torch.testing.assert_close(with_offset, without - 1.5)


def test_at_first_acl_ssls_heatmap_is_one_half_where_attention_is_uniform(
    backbone: ClipSegBackbone, image: ImageFeatures
) -> None:
    alike = ImageFeatures(image.pooled, (), torch.ones(1, 2, 4, 5))
    logits = AttentionMapDecoder(AttentionMapOptions(), backbone)(alike, torch.tensor([[1.0, 0.0]]))
    torch.testing.assert_close(torch.sigmoid(logits + 14 / 10), torch.full((1, 4, 5), 0.5))


def test_what_all_patches_share_does_not_matter(
    backbone: ClipSegBackbone, decoder: AttentionMapDecoder
) -> None:
    """Cosines of 0.6 and 0 beside the text, or 0.8 and 0.2: only the difference counts."""
    maps = []
    for cosines in ([0.6, 0.0], [0.8, 0.2]):
        x = torch.tensor(cosines)
        dense = torch.stack([x, (1 - x**2).sqrt()])[None, :, None]  # (1, 2, 1, 2)
        maps.append(decoder(ImageFeatures(torch.zeros(1, 2), (), dense), torch.tensor([[1.0, 0.0]])))
    torch.testing.assert_close(*maps)


def test_it_has_no_parameters_but_passes_gradients(
    decoder: AttentionMapDecoder, features: ImageFeatures
) -> None:
    assert list(decoder.parameters()) == []
    text: Tensor = features.pooled.clone().requires_grad_()
    decoder(features, text)[:, 0, 0].sum().backward()
    assert text.grad is not None
    assert (text.grad != 0).any()


def test_mixed_precision_does_not_round_the_cosines(
    decoder: AttentionMapDecoder, image: ImageFeatures
) -> None:
    coarse, text = ImageFeatures(image.pooled, (), image.dense.bfloat16()), torch.tensor([[0.3, 1.0]])
    with torch.autocast("cpu", torch.bfloat16):
        mixed = decoder(coarse, text)
    torch.testing.assert_close(mixed, decoder(image, text))
