"""CLIP from open_clip's zoo: the ViT models, by name and pretrained tag or file."""

from __future__ import annotations

from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any

import torch.nn.functional as F
from torch import nn

from avprompt import weights
from avprompt.errors import ConfigError, UnknownNameError, WeightsError, suggest
from avprompt.interfaces import Options
from avprompt_clip import tokens
from avprompt_clip.backbone import ClipBackbone, check_extract_layers, fit_image_size
from avprompt_clip.towers import Block, Tower, VisionTower

_FOREIGN_VISION = ("timm_model_name", "attentional_pool", "block_type", "qk_norm", "scale_attn", "scale_fc")
_FOREIGN_TEXT = ("hf_model_name", "hf_tokenizer_name", "embed_cls", "no_causal_mask", "block_type", "qk_norm")


class OpenClipOptions(Options):
    """Options of the open_clip backbone.

    Attributes:
        name: of a ViT in open_clip's zoo; OpenAI's weights go with the names in "-quickgelu".
        pretrained: a tag of that model, or a local file; None starts from random weights.
        image_size: side of the input image in pixels, a multiple of the patch size; None is what
            whole patches fill of 352.
        extract_layers: blocks whose outputs the mask decoder takes; 0 is the first block.
    """

    name: str = "ViT-B-16-quickgelu"
    pretrained: str | None = "openai"
    image_size: int | None = None
    extract_layers: tuple[int, ...] = (3, 6, 9)


class OpenClipBackbone(ClipBackbone):
    """A CLIP of open_clip (arXiv 2212.07143): same outputs as CLIPSeg's from the same weights."""

    Config = OpenClipOptions

    def __init__(self, config: OpenClipOptions) -> None:
        import open_clip

        super().__init__(config)
        self.tag: dict[str, Any] = open_clip.get_pretrained_cfg(config.name, config.pretrained or "")
        architecture = _architecture(config.name, quick_gelu=self.tag.get("quick_gelu", False))
        model_class = open_clip.CustomTextCLIP if architecture.pop("custom_text", False) else open_clip.CLIP
        self.clip = model_class(**architecture)
        visual, text = self.clip.visual, self._text_model
        self.extract_layers = check_extract_layers(config.extract_layers, len(visual.transformer.resblocks))
        self.layers = len(self.extract_layers)
        self.patch_size = visual.patch_size[0]
        self.image_size = fit_image_size(config.image_size, self.patch_size)
        self.vision_width, self.joint_width = visual.proj.shape
        self.text_width = text.token_embedding.embedding_dim
        self.mean, self.std = tuple(self.tag.get("mean", self.mean)), tuple(self.tag.get("std", self.std))
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
        if self.config.pretrained is None:
            return {}
        path = self._weight_file()
        import open_clip

        try:
            open_clip.load_checkpoint(self.clip, str(path))
        except Exception as error:
            reason = " ".join(str(error).split())[:400]
            raise WeightsError(f"'{path}' is no weights of '{self.config.name}': {reason}") from error
        return {path.name: weights.sha256(path)}

    def _weight_file(self) -> Path:
        path = weights.resolve(self.config.pretrained)
        if path.is_file():
            return path
        import open_clip

        name, pretrained = self.config.name, self.config.pretrained
        if not self.tag:
            known = open_clip.list_pretrained_tags_by_model(name)
            raise WeightsError(
                f"'{pretrained}' is neither a file nor a pretrained tag of open_clip's '{name}'. "
                f"{suggest(pretrained, known)}"
            )
        try:
            return Path(open_clip.download_pretrained(self.tag))
        except Exception as error:
            raise WeightsError(
                f"The weights '{pretrained}' of open_clip's '{name}' are not here and cannot be fetched: "
                f"{str(error).strip().partition(chr(10))[0]}\n"
                f"Download them elsewhere from {_source(self.tag)} and name the file with "
                "`--set backbone.pretrained=FILE`."
            ) from error


def _source(tag: dict[str, Any]) -> str:
    repository = tag.get("hf_hub")
    return f"https://huggingface.co/{repository}" if repository else str(tag.get("url"))


def _architecture(name: str, *, quick_gelu: bool) -> dict[str, Any]:
    """Return open_clip's config of a plain ViT; weights know better than the name which GELU they had.

    Raises:
        UnknownNameError: open_clip has no such model.
        ConfigError: the model is built of something else than CLIP's ViT and CLIP's text transformer.
    """
    import open_clip

    architecture = deepcopy(open_clip.get_model_config(name))
    if architecture is None:
        raise UnknownNameError(f"open_clip has no model '{name}'. {suggest(name, open_clip.list_models())}")
    vision, text = architecture["vision_cfg"], architecture["text_cfg"]
    foreign = [key for key in _FOREIGN_VISION if vision.get(key)]
    foreign += [key for key in _FOREIGN_TEXT if text.get(key)]
    if not isinstance(vision.get("layers", 12), int):
        foreign.append("a convolutional image encoder")
    if vision.get("pool_type", "tok") != "tok":
        foreign.append(f"pool_type {vision['pool_type']}")
    if foreign or "multimodal_cfg" in architecture:
        raise ConfigError(
            f"open_clip's '{name}' is not a plain CLIP ViT ({', '.join(foreign) or 'multimodal_cfg'}). "
            "Take one such as ViT-B-16, ViT-L-14 or ViT-H-14."
        )
    return {**architecture, "quick_gelu": architecture.get("quick_gelu", False) or quick_gelu}


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
