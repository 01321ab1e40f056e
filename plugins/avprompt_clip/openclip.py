"""CLIP from open_clip's zoo: the ViT models, by name and pretrained tag or file."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch.nn.functional as F
from torch import nn

from avprompt.plugin import Options, verified_sha256
from avprompt_clip import tokens, zoo
from avprompt_clip.backbone import ClipBackbone, check_extract_layers, fit_image_size
from avprompt_clip.towers import Block, Tower, VisionTower


class OpenClipOptions(Options):
    """Options of the open_clip backbone.

    Attributes:
        model: a ViT of open_clip's zoo by its name. Tags and OpenAI's own archives say themselves whether
            they need the quick GELU; for other files the name does: "-quickgelu" for OpenAI's weights.
        pretrained: a tag of that model, or a local file; None starts from random weights.
        image_size: side of the input image in pixels, a multiple of the patch size; None is what
            whole patches fill of 352.
        extract_layers: blocks whose outputs the mask decoder takes; 0 is the first block.
    """

    model: str = "ViT-B-16-quickgelu"
    pretrained: str | None = "openai"
    image_size: int | None = None
    extract_layers: tuple[int, ...] = (3, 6, 9)


class OpenClipBackbone(ClipBackbone):
    """A CLIP of open_clip (arXiv 2212.07143): same outputs as CLIPSeg's from the same weights."""

    Config = OpenClipOptions

    def __init__(self, config: OpenClipOptions) -> None:
        super().__init__(config)
        tag = zoo.read_tag(config.model, config.pretrained)
        quick_gelu = zoo.has_quick_gelu(config.pretrained, tag)
        model: Any = zoo.build_model(config.model, quick_gelu=quick_gelu)
        self.clip = model
        visual, text = model.visual, self._text_model
        self.extract_layers = check_extract_layers(config.extract_layers, len(visual.transformer.resblocks))
        self.layers = len(self.extract_layers)
        self.prompted_image_layers, self.prompted_text_layers = len(self.vision.blocks), len(self.text.blocks)
        self.patch_size = visual.patch_size[0]
        self.image_size = fit_image_size(config.image_size, self.patch_size)
        self.vision_width, self.joint_width = visual.proj.shape
        self.text_width = text.token_embedding.embedding_dim
        self.mean, self.std = tuple(tag.get("mean", self.mean)), tuple(tag.get("std", self.std))
        self.freeze()

    @property
    def _text_model(self) -> Any:
        """What holds the text tower: a module of its own, or the model itself in plain CLIPs."""
        return getattr(self.clip, "text", self.clip)

    @property
    def vision(self) -> VisionTower:
        """The image tower."""
        visual = self.clip.visual
        return VisionTower(
            blocks=[_block(block) for block in visual.transformer.resblocks],
            positions=visual.positional_embedding,
            final_norm=visual.ln_post,
            project=lambda x: x @ visual.proj,
            class_token=visual.class_embedding,
            patches=visual.conv1,
            first_norm=visual.ln_pre,
        )

    @property
    def text(self) -> Tower:
        """The text tower."""
        model = self._text_model
        return Tower(
            blocks=[_block(block) for block in model.transformer.resblocks],
            positions=model.positional_embedding,
            final_norm=model.ln_final,
            project=lambda x: x @ model.text_projection,
        )

    @property
    def token_embedding(self) -> nn.Embedding:
        """The text tower's vocabulary."""
        embedding: nn.Embedding = self._text_model.token_embedding
        return embedding

    @property
    def tokenizer(self) -> tokens.Tokenizer:
        """OpenAI's byte-pair encoding, which these models share."""
        return tokens.bundled()

    def load_weights(self) -> dict[str, str]:
        """Read the pretrained tag or file and return its SHA-256 by file name."""
        pretrained = self.config.pretrained
        if pretrained is None:
            return {}
        path = zoo.find_weights(self.config.model, pretrained)
        zoo.load_weights(self.clip, path, self.config.model)
        return {path.name: verified_sha256(path)}


def _block(block: Any) -> Block:
    attention = block.attn
    rows = zip(attention.in_proj_weight.chunk(3), attention.in_proj_bias.chunk(3), strict=True)
    query, key, value = (partial(F.linear, weight=weight, bias=bias) for weight, bias in rows)
    return Block(
        heads=attention.num_heads,
        norm_attention=block.ln_1,
        query=query,
        key=key,
        value=value,
        output=lambda x: block.ls_1(attention.out_proj(x)),
        norm_mlp=block.ln_2,
        mlp=lambda x: block.ls_2(block.mlp(x)),
    )
