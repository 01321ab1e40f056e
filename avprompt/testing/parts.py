"""Checks of what is trained: projections, prompt generators, decoders, maskers and losses."""

from __future__ import annotations

import torch
from torch import Tensor

from avprompt.distributed import ALONE
from avprompt.model.grounding import Grounding
from avprompt.model.outputs import (
    audio_tokens,
    check_count,
    check_record,
    check_tensor,
    feature_masks,
    hard_masks,
    heatmaps,
    mask_logits,
    text_features,
    visual_tokens,
)
from avprompt.model.parts import AlignmentLoss, AudioProjection, Backbone, Decoder, Masker
from avprompt.model.prompt_generator import PromptGenerator, join_prompts
from avprompt.records import AudioFeatures, Prompt
from avprompt.testing.assertions import (
    assert_all_train,
    assert_close,
    assert_finite,
    assert_gradient,
    assert_not_hooked,
    checks,
    random_features,
)
from avprompt.testing.standins import StandInBackbone, StandInMasker

IMAGES, SOUNDS = 3, 2


@checks("projections")
def check_projection(projection: AudioProjection) -> None:
    """Check finite tokens of short and long sounds, and that every parameter gets a gradient."""
    for length in (1, 7):
        frames = torch.randn(2, length, projection.audio_width)
        tokens = audio_tokens(projection, frames)
        assert_finite("a projection must return finite audio tokens", tokens)
    assert_all_train(projection, tokens)


@checks("prompts")
def check_prompt_generator(prompt: PromptGenerator, backbone: Backbone, audio_tokens: int = 1) -> None:
    """Check prompts, that `pairs` gives what `forward` does, that `looks` is true, that all parameters train.

    Whoever tells an `image_context` must make of it, `with_context`, the prompt that `forward` makes.
    """
    assert_not_hooked(backbone)
    image, width = random_features(backbone, IMAGES), backbone.text_width
    frames = torch.randn(SOUNDS, 5, 6) if prompt.sees_frames else None
    audio = AudioFeatures(torch.randn(SOUNDS, audio_tokens, width), frames)
    paired = check_record(prompt, "pairs", prompt.pairs(audio, image), Prompt)
    singles = [
        check_record(prompt, "forward", prompt(audio, image[[i] * SOUNDS]), Prompt) for i in range(IMAGES)
    ]
    joined = join_prompts(singles)
    for method, output in {"pairs": paired, "forward": joined}.items():
        assert_finite(f"{method} must return finite embeddings", output.embeddings, *output.deep_text)
        check_count(prompt, method, text_features(backbone, output, prompt), SOUNDS * IMAGES)
    same = "pairs must give what single prompts give, image by image"
    assert_close(same, paired.embeddings, joined.embeddings)
    assert_close("pairs must read the same tokens", _places(paired), _places(joined))
    assert paired.readings == joined.readings, "pairs must average over as many readings"
    for ours, theirs in zip(paired.deep_text, joined.deep_text, strict=True):
        assert_close(same, ours.expand(len(joined.embeddings), -1, -1), theirs)
    for number, single in enumerate(singles):
        if not prompt.looks:
            message = "without `looks` a prompt must be the same for every image"
            assert_close(message, single.embeddings, singles[0].embeddings)
        context = prompt.image_context(image[[number]])
        if context is not None:
            alike = check_record(prompt, "with_context", prompt.with_context(audio, context), Prompt)
            message = "with_context must make of an image's context the prompt that forward makes"
            assert_close(message, alike.embeddings, single.embeddings)
    visual = visual_tokens(prompt, backbone)
    assert_all_train(prompt, paired.embeddings, *paired.deep_text, *visual)
    assert_not_hooked(backbone)


def _places(prompt: Prompt) -> Tensor:
    return torch.as_tensor(prompt.read_at).expand(len(prompt.embeddings))


@checks("decoders")
def check_decoder(decoder: Decoder, backbone: Backbone) -> None:
    """Check shapes, and that pairs, shared or own texts, are decoded as single images are."""
    decoder.eval()
    image = random_features(backbone, IMAGES)
    text = torch.randn(SOUNDS, backbone.joint_width, requires_grad=True)
    shared = mask_logits(decoder, image, text, pairs=True)
    own = mask_logits(decoder, image, text.expand(IMAGES, -1, -1), pairs=True)
    single = mask_logits(decoder, image[[1]], text[:1])
    assert_finite("a decoder must return finite mask logits", shared, own, single)
    assert_gradient("a decoder must let gradients reach the text features", shared, text)
    assert_close("texts (B_audio, D) must be read as if each pair had its own", own, shared, 1e-5)
    assert_close("a pair must be decoded as a single image and text are", shared[1, 0], single[0], 1e-5)


@checks("maskers")
def check_masker(masker: Masker) -> None:
    """Check shapes and ranges, that draws decide hard masks, and that every parameter gets a gradient."""
    logits = torch.randn(IMAGES, SOUNDS, 8, 8, requires_grad=True)
    noise = torch.rand_like(logits)
    hard = hard_masks(masker, logits, noise)
    feature = feature_masks(masker, logits, (4, 4))
    heatmap = heatmaps(masker, logits[:, 0], (16, 12))
    assert ((hard == 0) | (hard == 1)).all(), "a hard mask is 0 or 1"
    for what, mask in {"a feature mask": feature, "a heatmap": heatmap}.items():
        assert ((mask >= 0) & (mask <= 1)).all(), f"{what} lies in 0..1"
    assert torch.equal(masker.hard(logits, noise), hard), "the same draws must give the same hard masks"
    for what, mask in {"hard masks": hard, "feature masks": feature}.items():
        gradient = assert_gradient(f"{what} must let gradients reach the mask logits", mask, logits)
        assert_finite(f"{what} must have finite gradients to the mask logits", gradient)
    flat = masker.feature(torch.zeros(1, 8, 8), (4, 4))
    assert_finite("a flat map must have a finite feature mask", flat)
    assert_all_train(masker, torch.cat([hard.flatten(), feature.flatten()]))


@checks("losses")
def check_loss(loss: AlignmentLoss) -> None:
    """Check that a loss is a finite float32 scalar with gradients to mask logits and its own parameters."""
    backbone = StandInBackbone()
    pixels = torch.randn(IMAGES, 3, backbone.image_size, backbone.image_size)
    image = backbone.encode_image(pixels)
    logits = torch.randn(IMAGES, IMAGES, 8, 8, requires_grad=True)
    text = torch.randn(IMAGES, IMAGES, backbone.joint_width)
    clips, draw, rows = (pixels, image, text), torch.rand_like, ALONE.rows(IMAGES)
    grounding = Grounding(StandInMasker(), backbone.pool_image, *clips, logits, draw, rows)
    value = check_tensor(loss, "forward", loss(grounding), logits, "")
    assert value.dtype == torch.float32, "a loss is computed in float32"
    assert_finite("a loss must be finite", value)
    gradient = assert_gradient("a loss must have a gradient to the mask logits", value, logits)
    assert_finite("a loss must have finite gradients to the mask logits", gradient)
    assert_all_train(loss, value)
