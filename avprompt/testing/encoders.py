"""Checks of frozen encoders: backbones and audio encoders, their weights read."""

from __future__ import annotations

import torch
from torch import Tensor

from avprompt.model.outputs import audio_frames, audio_tags, check_tensor, image_features, pooled_image
from avprompt.model.parts import AudioEncoder, Backbone
from avprompt.records import Prompt
from avprompt.testing.assertions import (
    assert_close,
    assert_felt,
    assert_finite,
    assert_gradient,
    assert_shape,
    checks,
)


@checks("backbones")
def check_backbone(backbone: Backbone, words: str = "a photo of a") -> None:
    """Check shapes, that outputs are finite, gradients to the pixels, and that nothing trains."""
    backbone.freeze()
    side, width = backbone.image_size, backbone.text_width
    pixels = torch.randn(2, 3, side, side, requires_grad=True)
    features = image_features(backbone, pixels.detach())
    layers = (features.pooled, features.dense, *features.hidden)
    assert_finite("encode_image must return finite features", *layers)
    pooled = pooled_image(backbone, pixels)
    same = "pool_image must return what encode_image returns as pooled"
    assert_close(same, pooled.detach(), features.pooled, tolerance=1e-4)
    assert_gradient("pool_image must let gradients reach the pixels", pooled, pixels)
    embedded = check_tensor(backbone, "embed_text", backbone.embed_text(words), pixels, "S E", E=width)
    start, end = backbone.special_token_embeddings()
    for token in (start, end):
        check_tensor(backbone, "special_token_embeddings", token, pixels, "E", E=width)
    sequence = torch.cat([start[None], embedded, end[None]])[None].detach().requires_grad_()
    text, joint = backbone.encode_prompt(Prompt(sequence, sequence.shape[1] - 1)), backbone.joint_width
    check_tensor(backbone, "encode_prompt", text, sequence, "B D", B=1, D=joint)
    assert_finite("encode_prompt must return finite text features", text)
    assert_gradient("encode_prompt must let gradients reach the embeddings", text, sequence)
    assert not any(parameter.requires_grad for parameter in backbone.parameters()), "a backbone is frozen"
    _check_read_at(backbone, sequence)
    _check_prompted_images(backbone, pixels.detach())
    _check_deep_text(backbone, sequence)


def _check_read_at(backbone: Backbone, sequence: Tensor) -> None:
    """Check that sequences of several lengths are read each at its own token."""
    longer, places = torch.cat([sequence, sequence[:, 1:2]], dim=1), torch.tensor([sequence.shape[1] - 1, 1])
    each = backbone.encode_prompt(Prompt(longer.expand(2, -1, -1), places))
    for row, place in enumerate(places.tolist()):
        alone = backbone.encode_prompt(Prompt(longer, place))[0]
        assert_close(
            "read_at (B,) must read each sequence at its own token", each[row], alone, tolerance=1e-4
        )


def _check_prompted_images(backbone: Backbone, pixels: Tensor) -> None:
    """Check that prompt tokens in the image tower are felt at every depth that is promised."""
    if not backbone.prompted_image_layers:
        return
    shape = (backbone.prompted_image_layers, 2, backbone.vision_width)
    tokens = torch.randn(shape, requires_grad=True)
    features = image_features(backbone, pixels, tokens.unbind())
    pooled = pooled_image(backbone, pixels, tokens.unbind())
    same = "pool_image must return what encode_image returns as pooled, with prompt tokens too"
    assert_close(same, pooled, features.pooled, tolerance=1e-4)
    assert_felt("encode_image", features.pooled, tokens)
    assert_felt("pool_image", pooled, tokens)


def _check_deep_text(backbone: Backbone, sequence: Tensor) -> None:
    """Check likewise for the text tower."""
    layers = backbone.prompted_text_layers - 1
    if not layers:
        return
    tokens = torch.randn(layers, 1, 2, backbone.text_width, requires_grad=True)
    text = backbone.encode_prompt(Prompt(sequence.detach(), sequence.shape[1] - 1, tokens.unbind()))
    assert_felt("encode_prompt", text, tokens)


@checks("audio_encoders")
def check_audio_encoder(encoder: AudioEncoder, seconds: float = 2.0) -> None:
    """Check shapes, that frames are finite, also of silence, and that each waveform is encoded by itself."""
    encoder.freeze()
    waveform = 0.1 * torch.randn(2, round(seconds * encoder.sample_rate))
    with torch.no_grad():
        frames, alone = audio_frames(encoder, waveform), audio_frames(encoder, waveform[1:])
        silent = audio_frames(encoder, torch.zeros_like(waveform))
    assert_finite("an audio encoder must return finite frames", frames)
    same = "a waveform must be encoded by itself, whatever else is in its batch"
    assert_close(same, frames[1:], alone, tolerance=1e-3)
    assert_finite("silence must give finite frames", silent)
    if encoder.labels:
        assert len(set(encoder.labels)) == len(encoder.labels), "the labels of a tagger must be unique"
        with torch.no_grad():
            assert_finite("a tagger must return finite scores", audio_tags(encoder, frames))
    if encoder.pads_short_sounds:
        with torch.no_grad():
            short = audio_frames(encoder, waveform[:, : waveform.shape[1] // 3])
        assert_shape("frames of a short sound, as pads_short_sounds promises", short.shape, frames.shape)
