"""The miniature CLIP as a backbone."""

from __future__ import annotations

import pytest
import torch

from avprompt.errors import ConfigError
from avprompt.records import Prompt
from avprompt_mini.backbone import MiniBackbone


def prompt(backbone: MiniBackbone, text: str) -> Prompt:
    start, end = backbone.special_token_embeddings()
    words = backbone.embed_text(text)
    return Prompt(torch.cat([start[None], words, end[None]])[None], len(words) + 1)


def test_an_image_gives_pooled_hidden_and_dense_features(backbone: MiniBackbone) -> None:
    features = backbone.encode_image(torch.randn(2, 3, 96, 96))
    assert features.pooled.shape == (2, 128)
    assert [tuple(state.shape) for state in features.hidden] == [(2, 65, 96)] * 3
    assert features.dense.shape == (2, 128, 8, 8)


def test_pooling_alone_gives_the_same_feature(backbone: MiniBackbone) -> None:
    pixels = torch.randn(2, 3, 96, 96)
    torch.testing.assert_close(backbone.pool_image(pixels), backbone.encode_image(pixels).pooled)


def test_the_pooled_feature_has_a_gradient_to_the_pixels(backbone: MiniBackbone) -> None:
    pixels = torch.randn(1, 3, 96, 96, requires_grad=True)
    backbone.pool_image(pixels).sum().backward()
    assert pixels.grad is not None
    assert (pixels.grad.abs().sum((0, 1)) > 0).float().mean() > 0.99


def test_a_dense_feature_keeps_to_its_patch(backbone: MiniBackbone) -> None:
    """With value-only attention in the last block no patch reads another there."""
    block, tokens = backbone.clip.image.blocks[-1], torch.randn(1, 5, 96)
    changed = tokens.clone()
    changed[:, 0] += 1
    torch.testing.assert_close(block.value_only(tokens)[:, 1:], block.value_only(changed)[:, 1:])


def test_the_text_tower_is_causal(backbone: MiniBackbone) -> None:
    """What follows the token that is read changes nothing."""
    short = prompt(backbone, "a photo of a striped circle")
    longer = torch.cat([short.embeddings, torch.randn(1, 4, 96)], dim=1)
    expected = backbone.encode_prompt(short)
    torch.testing.assert_close(backbone.encode_prompt(Prompt(longer, short.read_at)), expected)


def test_the_text_feature_has_a_gradient_to_the_embeddings(backbone: MiniBackbone) -> None:
    read = prompt(backbone, "a photo of a star")
    embeddings = read.embeddings.clone().requires_grad_()
    backbone.encode_prompt(Prompt(embeddings, read.read_at)).sum().backward()
    assert embeddings.grad is not None
    assert (embeddings.grad.abs().sum(-1) > 0).all()


def test_sixteen_context_and_four_audio_tokens_fit(backbone: MiniBackbone) -> None:
    assert backbone.encode_prompt(Prompt(torch.randn(2, 22, 96), 21)).shape == (2, 128)


def test_too_long_a_prompt_is_refused(backbone: MiniBackbone) -> None:
    with pytest.raises(ConfigError, match="at most 24 tokens"):
        backbone.encode_prompt(Prompt(torch.randn(1, 25, 96), 24))


def test_the_constructor_reads_no_weights() -> None:
    torch.manual_seed(0)
    first, second = MiniBackbone(), MiniBackbone()
    assert not torch.equal(first.clip.text.positions, second.clip.text.positions)
