"""A method made of its data: parts looked up by name and built, weights read, kernels compiled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from avprompt.config.method_config import MethodConfig
from avprompt.config.options import options
from avprompt.config.tables import PART_KINDS
from avprompt.errors import ConfigError
from avprompt.model.finite import check_weights
from avprompt.model.method import Method
from avprompt.model.parts import AlignmentLoss, AudioEncoder, Backbone, Decoder, FrozenPart
from avprompt.promises import check_attributes, check_constructor
from avprompt.registry import Registry


def build(method_config: MethodConfig, registry: Registry, *, weights: bool = True) -> Method:
    """Build a method.

    Args:
        method_config: from `avprompt.config.method_config.resolve`.
        registry: where the parts' names are looked up.
        weights: read pretrained weights; without them only the architecture is built, on whatever
            device is the default (the meta device needs no memory).

    Raises:
        ConfigError: a loss under a name that cannot be used.
        PluginError: a part breaks a promise of its interface.
        WeightsError: weights that are not there, or hold NaN; the message says what to get.
    """
    checksums: dict[str, str] = {}

    def part(table: str, *context: Any) -> Any:
        options_of = dict(getattr(method_config, table))
        built = build_part(registry, PART_KINDS[table], options_of.pop("name"), options_of, table, *context)
        if weights and isinstance(built, FrozenPart):
            files = built.load_weights()
            check_weights(built, f"{table} '{getattr(method_config, table)['name']}'", files)
            checksums.update(files)
        return built

    backbone: Backbone = part("backbone")
    audio_encoder: AudioEncoder = part("audio_encoder")
    decoder: Decoder = part("decoder", backbone)
    if weights:
        decoder.load_weights(backbone)
        check_weights(decoder, f"decoder '{method_config.decoder['name']}'", [])
    method = Method(
        backbone,
        audio_encoder,
        part("projection", audio_encoder, backbone),
        part("prompt", backbone),
        decoder,
        part("masker"),
        {term: _build_loss(registry, term, table) for term, table in method_config.losses.items()},
    )
    method.checksums = checksums
    return method


def _build_loss(registry: Registry, term: str, table: Mapping[str, Any]) -> AlignmentLoss:
    """Build the loss of one term of `losses`."""
    if hasattr(nn.ModuleDict(), term):
        raise ConfigError(f"losses.{term}: '{term}' is a word of torch's own. Give the loss another name.")
    own = dict(table)
    loss: AlignmentLoss = build_part(registry, "losses", own.pop("part", term), own, f"losses.{term}")
    return loss


def build_part(
    registry: Registry, kind: str, name: str, table: Mapping[str, Any], where: str, *context: Any
) -> Any:
    """Build one part without its weights.

    Args:
        registry: where its name is looked up.
        kind: of part.
        name: that it is registered under.
        table: its options.
        where: the table stands in the method, for messages.
        *context: what its kind is built with beside the options, as its interface says.

    Raises:
        ConfigError: an option that does not fit.
        PluginError: it breaks a promise of its interface.
    """
    config = options(registry, kind, name, table, where)
    part = registry.load(kind, name)
    check_constructor(str(registry.find(kind, name)), part, (config, *context))
    built = part(config, *context)
    check_attributes(built)
    return built


def compile_kernels(method: Method, backend: str = "inductor") -> None:
    """Let `torch.compile` make kernels of what takes the time: the encoders and the decoder.

    Each is compiled when it is first used, which takes a minute or more, and again for other sizes.

    Args:
        method: changed in place; its numbers change by rounding only.
        backend: of `torch.compile`.
    """
    calls = {
        method.backbone: ("encode_image", "pool_image", "encode_prompt"),
        method.audio_encoder: ("forward",),
        method.decoder: ("forward",),
    }
    for part, names in calls.items():
        for name in names:
            setattr(part, name, torch.compile(getattr(part, name), backend=backend))
