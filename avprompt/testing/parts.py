"""Checks of what is trained: projections, prompt generators, decoders, maskers and losses."""

from __future__ import annotations

import torch

from avprompt.distributed import ALONE
from avprompt.model.grounding import Grounding
from avprompt.model.parts import AlignmentLoss, AudioProjection, Backbone, Decoder, Masker, PromptGenerator
from avprompt.records import Prompt
from avprompt.testing.assertions import (
    assert_all_train,
    assert_close,
    assert_gradient,
    assert_shape,
    assert_tensor,
    checks,
    random_features,
)
from avprompt.testing.standins import StandInBackbone, StandInMasker

IMAGES, SOUNDS = 3, 2


@checks("projections")
def check_projection(projection: AudioProjection) -> None:
    """Check shapes for short and long sounds, and that every parameter gets a gradient."""
    for length in (1, 7):
        frames = torch.randn(2, length, projection.audio_width)
        tokens = assert_tensor("audio tokens of a projection", projection(frames))
        assert tokens.ndim == 3, f"a projection must return (B, K, E), got {tuple(tokens.shape)}"
        assert_shape("batch and width", (tokens.shape[0], tokens.shape[2]), (2, projection.text_width))
    assert_all_train(projection, tokens)


@checks("prompts")
def check_prompt_generator(prompt: PromptGenerator, backbone: Backbone, audio_tokens: int = 1) -> None:
    """Check the sequence, and that `pairs` says for every pair what a single prompt says."""
    image = random_features(backbone, IMAGES)
    tokens = torch.randn(SOUNDS, audio_tokens, backbone.text_width)
    paired = prompt.pairs(tokens, image)
    singles = [prompt(tokens, image[[i] * SOUNDS]) for i in range(IMAGES)]
    for method, output in {"pairs": paired, "forward": singles[0]}.items():
        assert isinstance(output, Prompt), f"{method} must return a Prompt, not {type(output).__name__}"
        assert_tensor(f"embeddings of {method}", output.embeddings)
    expected = torch.cat([single.embeddings for single in singles])
    assert_shape("width of a prompt", expected.shape[2:], (backbone.text_width,))
    assert 0 <= paired.read_at < expected.shape[1], "read_at must lie inside the sequence"
    assert_close("pairs must give what single prompts give, image by image", paired.embeddings, expected)
    assert paired.read_at == singles[0].read_at, "pairs must read the same token"
    assert_all_train(prompt, paired.embeddings)


@checks("decoders")
def check_decoder(decoder: Decoder, backbone: Backbone) -> None:
    """Check shapes, and that pairs, shared or own texts, are decoded as single images are."""
    decoder.eval()
    image, text = random_features(backbone, IMAGES), torch.randn(SOUNDS, backbone.joint_width)
    shared = assert_tensor("mask logits", decoder(image, text, pairs=True))
    own = assert_tensor("mask logits", decoder(image, text.expand(IMAGES, -1, -1), pairs=True))
    single = assert_tensor("mask logits", decoder(image[[1]], text[:1]))
    assert single.ndim == 3, f"a decoder must return (B, h, w), got {tuple(single.shape)}"
    assert_shape("pairs", shared.shape, (IMAGES, SOUNDS, *single.shape[1:]))
    assert_close("texts (B_audio, D) must be read as if each pair had its own", own, shared, 1e-5)
    assert_close("a pair must be decoded as a single image and text are", shared[1, 0], single[0], 1e-5)


@checks("maskers")
def check_masker(masker: Masker) -> None:
    """Check shapes and ranges, that draws decide hard masks, and that every parameter gets a gradient."""
    logits = torch.randn(IMAGES, SOUNDS, 8, 8, requires_grad=True)
    noise = torch.rand_like(logits)
    hard = assert_tensor("hard masks", masker.hard(logits, noise))
    feature = assert_tensor("feature masks", masker.feature(logits, (4, 4)))
    heatmap = assert_tensor("heatmaps", masker.heatmap(logits[:, 0], (16, 12)))
    assert_shape("hard masks", hard.shape, logits.shape)
    assert_shape("feature masks", feature.shape, (IMAGES, SOUNDS, 4, 4))
    assert_shape("heatmaps", heatmap.shape, (IMAGES, 16, 12))
    assert ((hard == 0) | (hard == 1)).all(), "a hard mask is 0 or 1"
    for what, mask in {"a feature mask": feature, "a heatmap": heatmap}.items():
        assert ((mask >= 0) & (mask <= 1)).all(), f"{what} lies in 0..1"
    assert torch.equal(masker.hard(logits, noise), hard), "the same draws must give the same hard masks"
    for what, mask in {"hard masks": hard, "feature masks": feature}.items():
        gradient = assert_gradient(f"{what} must let gradients reach the mask logits", mask, logits)
        assert torch.isfinite(gradient).all(), f"{what} must have finite gradients to the mask logits"
    flat = masker.feature(torch.zeros(1, 8, 8), (4, 4))
    assert torch.isfinite(flat).all(), "a flat map must have a finite feature mask"
    assert_all_train(masker, torch.cat([hard.flatten(), feature.flatten()]))


@checks("losses")
def check_loss(loss: AlignmentLoss) -> None:
    """Check that a loss is a finite float32 scalar with a gradient to the mask logits."""
    backbone = StandInBackbone()
    pixels = torch.randn(IMAGES, 3, backbone.image_size, backbone.image_size)
    image = backbone.encode_image(pixels)
    logits = torch.randn(IMAGES, IMAGES, 8, 8, requires_grad=True)
    text = torch.randn(IMAGES, IMAGES, backbone.joint_width)
    clips, draw, rows = (pixels, image, text), torch.rand_like, ALONE.rows(IMAGES)
    grounding = Grounding(StandInMasker(), backbone.pool_image, *clips, logits, draw, rows)
    value = assert_tensor("a loss", loss(grounding))
    assert_shape("a loss", value.shape, ())
    assert value.dtype == torch.float32, "a loss is computed in float32"
    assert torch.isfinite(value), "a loss must be finite"
    gradient = assert_gradient("a loss must have a gradient to the mask logits", value, logits)
    assert torch.isfinite(gradient).all(), "a loss must have finite gradients to the mask logits"
