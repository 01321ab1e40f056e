"""open_clip's zoo of models: which of them are plain CLIP ViTs, and where their weights are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import open_clip
from torch import nn

from avprompt.errors import UnknownNameError, suggest
from avprompt.plugin import ConfigError, HubModel, WeightsError, fill, locate
from avprompt.weights.tensors import reason_of
from avprompt_clip.published import OPEN_CLIP_FILES
from avprompt_clip.torchscript import is_torchscript, read_torchscript

_FOREIGN_VISION = ("timm_model_name", "attentional_pool", "block_type", "qk_norm", "scale_attn", "scale_fc")
_FOREIGN_TEXT = ("hf_model_name", "hf_tokenizer_name", "embed_cls", "no_causal_mask", "block_type", "qk_norm")
ARCHIVE_NUMBERS = ("input_resolution", "context_length", "vocab_size")
ARCHIVE_CONSTANTS = (*ARCHIVE_NUMBERS, "attn_mask")


def read_tag(name: str, pretrained: str | None) -> dict[str, Any]:
    """Return what open_clip knows of a pretrained tag: source, mean, deviation, GELU; empty for files."""
    return dict(open_clip.get_pretrained_cfg(name, pretrained or ""))


def build_model(name: str, *, quick_gelu: bool) -> nn.Module:
    """Build a model without weights.

    Args:
        name: of a plain CLIP ViT.
        quick_gelu: the weights were trained with the quick GELU, whatever the name says.

    Raises:
        UnknownNameError: open_clip has no such model.
        ConfigError: the model is made of something else than CLIP's ViT and CLIP's text transformer.
    """
    architecture = open_clip.get_model_config(name)
    if architecture is None:
        raise UnknownNameError(f"open_clip has no model '{name}'. {suggest(name, open_clip.list_models())}")
    foreign = _foreign_parts(architecture)
    if foreign:
        raise ConfigError(
            f"open_clip's '{name}' is not a plain CLIP ViT ({', '.join(foreign)}). "
            "Take one such as ViT-B-16, ViT-L-14 or ViT-H-14."
        )
    model_class = open_clip.CustomTextCLIP if architecture.pop("custom_text", False) else open_clip.CLIP
    architecture["quick_gelu"] = architecture.get("quick_gelu", False) or quick_gelu
    model: nn.Module = model_class(**architecture)
    return model


def has_quick_gelu(pretrained: str | None, tag: Mapping[str, Any]) -> bool:
    """Say whether weights were trained with the quick GELU, whatever the model's name says.

    A tag says so itself. OpenAI's own archives are known by the numbers that they hold beside the tensors,
    and all of them were trained with it.

    Args:
        pretrained: a tag or a local file.
        tag: what `read_tag` returns of it.
    """
    if pretrained and is_torchscript(path := locate(pretrained)):
        return not read_torchscript(path, tensors=False).keys().isdisjoint(ARCHIVE_NUMBERS)
    return bool(tag.get("quick_gelu", False))


def find_weights(name: str, pretrained: str) -> Path:
    """Return the file of a tag, fetched if need be, or the local file that `pretrained` names.

    Raises:
        WeightsError: there is no such file or tag, or it cannot be fetched; says where it is to be had.
    """
    path = locate(pretrained)
    if path.is_file():
        return path
    tag = read_tag(name, pretrained)
    if not tag:
        known = open_clip.list_pretrained_tags_by_model(name)
        raise WeightsError(
            f"'{pretrained}' is neither a file nor a pretrained tag of open_clip's '{name}'. "
            f"{suggest(pretrained, known)}"
        )
    repository = tag["hf_hub"].rstrip("/")
    model = HubModel(repository, f"open_clip model '{name}'", "backbone.pretrained")
    return model.find_weights(OPEN_CLIP_FILES)


def load_weights(model: nn.Module, path: Path, name: str) -> None:
    """Fill a model from any file that open_clip reads, or from OpenAI's own archives.

    Raises:
        WeightsError: the file is damaged or of another model.
    """
    if is_torchscript(path):
        tensors = read_torchscript(path)
        state = {key: tensors[key] for key in tensors if key.rpartition(".")[2] not in ARCHIVE_CONSTANTS}
        return fill(model, state, path)
    try:
        open_clip.load_checkpoint(model, str(path))
    except Exception as error:  # whatever open_clip's converters raise
        raise WeightsError(f"'{path}' is no weights of '{name}': {reason_of(error)}") from error


def _foreign_parts(architecture: dict[str, Any]) -> list[str]:
    vision, text = architecture["vision_cfg"], architecture["text_cfg"]
    foreign = [key for key in _FOREIGN_VISION if vision.get(key)]
    foreign += [key for key in _FOREIGN_TEXT if text.get(key)]
    if "multimodal_cfg" in architecture:
        foreign.append("multimodal_cfg")
    if not isinstance(vision.get("layers", 12), int):
        foreign.append("a convolutional image encoder")
    if vision.get("pool_type", "tok") != "tok":
        foreign.append(f"pool_type {vision['pool_type']}")
    return foreign
