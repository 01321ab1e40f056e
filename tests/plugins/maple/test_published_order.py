"""The towers against MaPLe's order of operations, written plainly around each library's own layers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avprompt.plugin import AudioFeatures, Backbone, Prompt
from avprompt_clip.clipseg import ClipSegBackbone
from avprompt_clip.openclip import OpenClipBackbone
from avprompt_maple.prompt import MaPLeOptions, MaPLePrompt

Layer = Callable[[Tensor, Tensor], Tensor]
"""Maps states (B, S, width), given who sees whom (S, S) bool."""


@dataclass
class Library:
    """A CLIP as its own library runs it; `embed` gives class token and patches with their positions."""

    embed: Callable[[Tensor], Tensor]
    first_norm: nn.Module
    image_layers: Sequence[Layer]
    project_image: Callable[[Tensor], Tensor]
    positions: Tensor
    text_layers: Sequence[Layer]
    project_text: Callable[[Tensor], Tensor]
    extract: Sequence[int]


def library_of(backbone: Any) -> Library:
    if isinstance(backbone, ClipSegBackbone):
        return of_transformers(backbone)
    return of_open_clip(backbone) if isinstance(backbone, OpenClipBackbone) else of_mini(backbone)


def of_transformers(backbone: ClipSegBackbone) -> Library:
    clip: Any = backbone.clip
    vision, text = clip.vision_model, clip.text_model

    def layer(module: nn.Module) -> Layer:
        def run(x: Tensor, seen: Tensor) -> Tensor:
            mask = torch.zeros(seen.shape, dtype=x.dtype).masked_fill(~seen, torch.finfo(x.dtype).min)
            two = "causal_attention_mask" in inspect.signature(module.forward).parameters
            states = module(x, mask.expand(len(x), 1, -1, -1), *([None] if two else []))
            return states[0] if isinstance(states, tuple) else states

        return run

    return Library(
        vision.embeddings,
        vision.pre_layrnorm,
        [layer(module) for module in vision.encoder.layers],
        lambda x: clip.visual_projection(vision.post_layernorm(x)),
        text.embeddings.position_embedding.weight,
        [layer(module) for module in text.encoder.layers],
        lambda x: clip.text_projection(text.final_layer_norm(x)),
        backbone.extract_layers,
    )


def of_open_clip(backbone: OpenClipBackbone) -> Library:
    clip: Any = backbone.clip
    visual = clip.visual

    def embed(pixels: Tensor) -> Tensor:
        patches = visual.conv1(pixels).flatten(2).transpose(1, 2)
        first = visual.class_embedding.expand(len(patches), 1, -1)
        return torch.cat([first, patches], 1) + visual.positional_embedding

    def layer(module: nn.Module) -> Layer:
        """Its attention is nn.MultiheadAttention, whose mask is added to the scores."""
        return lambda x, seen: module(x, attn_mask=torch.zeros(seen.shape).masked_fill(~seen, -torch.inf))

    return Library(
        embed,
        visual.ln_pre,
        [layer(module) for module in visual.transformer.resblocks],
        lambda x: visual.ln_post(x) @ visual.proj,
        clip.positional_embedding,
        [layer(module) for module in clip.transformer.resblocks],
        lambda x: clip.ln_final(x) @ clip.text_projection,
        backbone.extract_layers,
    )


def of_mini(backbone: Any) -> Library:
    image, text = backbone.clip.image, backbone.clip.text

    def layer(module: Any) -> Layer:
        def run(x: Tensor, seen: Tensor) -> Tensor:
            parts = module.query_key_value(module.norm_attention(x)).chunk(3, dim=-1)
            query, key, value = (part.unflatten(-1, (module.heads, -1)).transpose(1, 2) for part in parts)
            query, key = (F.layer_norm(part, part.shape[-1:]) for part in (query, key))
            scores = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5
            mixed = scores.masked_fill(~seen, -torch.inf).softmax(-1) @ value
            x = x + module.output(mixed.transpose(1, 2).flatten(2))
            return x + module.contract(F.gelu(module.expand(module.norm_mlp(x))))

        return run

    def embed(pixels: Tensor) -> Tensor:
        patches = image.stem(pixels)
        return torch.cat([image.class_token.expand(len(patches), 1, -1), patches], 1) + image.positions

    return Library(
        embed,
        nn.Identity(),
        [layer(module) for module in image.blocks],
        lambda x: image.project(image.norm(x)),
        text.positions,
        [layer(module) for module in text.blocks],
        lambda x: text.project(text.norm(x)),
        [depth - 1 for depth in image.extract],
    )


def published_image(
    library: Library, pixels: Tensor, visual: Sequence[Tensor]
) -> tuple[Tensor, list[Tensor], Tensor]:
    """Return pooled (B, D), the extract layers (B, N + 1, C) and dense (B, N, D)."""
    x = library.embed(pixels)
    batch, tokens, _ = x.shape
    x = library.first_norm(torch.cat([x, visual[0].expand(batch, -1, -1)], dim=1))
    everything = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool)
    states = []
    for depth, layer in enumerate(library.image_layers):
        if 0 < depth < len(visual):  # the last layer's answer to its prompt tokens is thrown away
            x = torch.cat([x[:, :tokens], visual[depth].expand(batch, -1, -1)], dim=1)
        before_last = x
        x = layer(x, everything)
        states.append(x)
    alone = torch.eye(tokens, dtype=torch.bool)  # MaskCLIP: in the last layer a patch sees itself
    dense = library.image_layers[-1](before_last[:, :tokens], alone)[:, 1:]
    hidden = [states[index][:, :tokens] for index in library.extract]
    return library.project_image(x[:, 0]), hidden, library.project_image(dense)


def published_text(library: Library, prompt: Prompt) -> Tensor:
    """Return the text features (B, D)."""
    x = prompt.embeddings + library.positions[: prompt.embeddings.shape[1]]
    batch, length, _ = x.shape
    before = torch.ones(length, length, dtype=torch.bool).tril()
    for depth, layer in enumerate(library.text_layers):
        if 0 < depth <= len(prompt.deep_text):
            tokens = prompt.deep_text[depth - 1].expand(batch, -1, -1)
            x = torch.cat([x[:, :1], tokens, x[:, 1 + tokens.shape[1] :]], dim=1)
        x = layer(x, before)
    return library.project_text(x[:, prompt.read_at])


@pytest.fixture
def pixels(backbone: Backbone) -> Tensor:
    return torch.randn(2, 3, backbone.image_size, backbone.image_size, generator=torch.manual_seed(2))


@torch.no_grad()
@pytest.mark.parametrize("fewer", [0, 1])
def test_image(backbone: Backbone, prompt: MaPLePrompt, pixels: Tensor, fewer: int) -> None:
    visual = prompt.visual()[: len(prompt.tokens) - fewer]
    pooled, hidden, dense = published_image(library_of(backbone), pixels, visual)
    ours = backbone.encode_image(pixels, visual)
    torch.testing.assert_close(ours.pooled, pooled, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(backbone.pool_image(pixels, visual), pooled, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(ours.dense.flatten(2).transpose(1, 2), dense, atol=1e-4, rtol=1e-4)
    assert len(ours.hidden) == len(hidden)
    for mine, theirs in zip(ours.hidden, hidden, strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-4, rtol=1e-4)
    assert not torch.allclose(pooled, backbone.pool_image(pixels), atol=1e-2), "the tokens are felt"


@torch.no_grad()
def test_image_whose_every_layer_has_tokens(backbone: Backbone, pixels: Tensor) -> None:
    depth = backbone.prompted_image_layers
    visual = MaPLePrompt(MaPLeOptions(depth=depth, initialise="random"), backbone).visual()
    pooled, _, dense = published_image(library_of(backbone), pixels, visual)
    ours = backbone.encode_image(pixels, visual)
    torch.testing.assert_close(ours.pooled, pooled, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(ours.dense.flatten(2).transpose(1, 2), dense, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_text(backbone: Backbone, prompt: MaPLePrompt, pixels: Tensor) -> None:
    audio = AudioFeatures(torch.randn(2, 1, backbone.text_width, generator=torch.manual_seed(3)))
    sequences = prompt(audio, backbone.encode_image(pixels))
    assert len(sequences.deep_text) == len(prompt.tokens) - 1
    expected = published_text(library_of(backbone), sequences)
    ours = backbone.encode_prompt(sequences)
    torch.testing.assert_close(ours, expected, atol=1e-4, rtol=1e-4)
    shallow = Prompt(sequences.embeddings, sequences.read_at)
    assert not torch.allclose(ours, backbone.encode_prompt(shallow), atol=1e-2), "the tokens are felt"
