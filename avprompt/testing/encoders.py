"""Checks of frozen encoders: backbones and audio encoders, their weights read."""

from __future__ import annotations

import torch

from avprompt.model.parts import AudioEncoder, Backbone
from avprompt.records import ImageFeatures, Prompt
from avprompt.testing.assertions import assert_close, assert_gradient, assert_shape, assert_tensor, checks


@checks("backbones")
def check_backbone(backbone: Backbone, words: str = "a photo of a") -> None:
    """Check shapes, gradients to the pixels, and that nothing trains."""
    backbone.freeze()
    side = backbone.image_size
    grid = side // backbone.patch_size
    pixels = torch.randn(2, 3, side, side, requires_grad=True)
    features = backbone.encode_image(pixels.detach())
    assert isinstance(features, ImageFeatures), f"encode_image must return ImageFeatures, not {features!r}"
    assert_tensor("pooled", features.pooled)
    assert_tensor("dense", features.dense)
    assert_shape("pooled", features.pooled.shape, (2, backbone.joint_width))
    assert_shape("dense", features.dense.shape, (2, backbone.joint_width, grid, grid))
    assert_shape("number of extract layers", (len(features.hidden),), (backbone.layers,))
    for hidden in features.hidden:
        assert_shape("hidden", hidden.shape, (2, grid * grid + 1, backbone.vision_width))
    pooled = assert_tensor("pool_image", backbone.pool_image(pixels))
    same = "pool_image must return what encode_image returns as pooled"
    assert_close(same, pooled.detach(), features.pooled, tolerance=1e-4)
    assert_gradient("pool_image must let gradients reach the pixels", pooled, pixels)
    embedded = assert_tensor("embed_text", backbone.embed_text(words))
    assert embedded.ndim == 2, "embed_text must return (S, E)"
    assert_shape("width of embed_text", embedded.shape[1:], (backbone.text_width,))
    start, end = backbone.special_token_embeddings()
    for token in (start, end):
        assert_shape("a special token", assert_tensor("a special token", token).shape, (backbone.text_width,))
    sequence = torch.cat([start[None], embedded, end[None]])[None].detach().requires_grad_()
    text = assert_tensor(
        "encode_prompt", backbone.encode_prompt(Prompt(sequence, read_at=sequence.shape[1] - 1))
    )
    assert_shape("encode_prompt", text.shape, (1, backbone.joint_width))
    assert_gradient("encode_prompt must let gradients reach the embeddings", text, sequence)
    assert not any(parameter.requires_grad for parameter in backbone.parameters()), "a backbone is frozen"


@checks("audio_encoders")
def check_audio_encoder(encoder: AudioEncoder, seconds: float = 2.0) -> None:
    """Check shapes, that silence is finite, and that each waveform is encoded by itself."""
    encoder.freeze()
    waveform = 0.1 * torch.randn(2, round(seconds * encoder.sample_rate))
    with torch.no_grad():
        frames = assert_tensor("frames of an audio encoder", encoder(waveform))
        alone = encoder(waveform[1:])
        silent = encoder(torch.zeros_like(waveform))
    assert frames.ndim == 3, f"an audio encoder must return (B, L, W), got {tuple(frames.shape)}"
    assert_shape("batch and width", (frames.shape[0], frames.shape[2]), (2, encoder.width))
    same = "a waveform must be encoded by itself, whatever else is in its batch"
    assert_close(same, frames[1:], alone, tolerance=1e-3)
    assert torch.isfinite(silent).all(), "silence must give finite frames"
    if encoder.pads_short_sounds:
        with torch.no_grad():
            short = encoder(waveform[:, : waveform.shape[1] // 3])
        assert_shape("frames of a short sound, as pads_short_sounds promises", short.shape, frames.shape)
