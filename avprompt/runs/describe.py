"""What a method is made of: parts, shapes, and parameters, without reading weights."""

from __future__ import annotations

import torch
from pydantic import BaseModel
from torch import nn

from avprompt.config.method_config import resolve
from avprompt.config.tables import PART_KINDS, loss_part
from avprompt.model.build import build
from avprompt.model.method import Method
from avprompt.plugin.discovery import Loaded
from avprompt.runs.settings import Settings


class PartDescription(BaseModel):
    """One part: its registered name, what goes in and out, and its parameters."""

    part: str
    name: str
    shapes: str
    trainable: int
    frozen: int


class Description(BaseModel):
    """A method, part by part, and in all."""

    method: str
    encoders: str
    parts: list[PartDescription]
    trainable: int
    frozen: int
    total: int


def describe_method(loaded: Loaded, method: str, settings: Settings) -> Description:
    """Build a method on the meta device, where tensors have shapes but no memory, and count.

    Of the losses only those are listed that have something to learn.
    """
    encoders = settings.encoders or "published"
    method_config = resolve(loaded.registry, method, encoders, settings.overrides)
    with torch.device("meta"):
        built = build(method_config, loaded.registry, weights=False)
    names = {part: getattr(method_config, part)["name"] for part in PART_KINDS}
    for term, table in method_config.losses.items():
        if f"losses.{term}" in built.trained_parts():
            names[f"losses.{term}"] = loss_part(term, table)
    shapes, modules = _shapes(built), built.parts()
    parts = [
        PartDescription(
            part=part, name=name, shapes=shapes.get(part, "batch -> a number"), **_count(modules[part])
        )
        for part, name in names.items()
    ]
    trainable, frozen = sum(part.trainable for part in parts), sum(part.frozen for part in parts)
    return Description(
        method=method_config.name,
        encoders=encoders,
        parts=parts,
        trainable=trainable,
        frozen=frozen,
        total=trainable + frozen,
    )


def _count(part: nn.Module) -> dict[str, int]:
    sizes = [(parameter.requires_grad, parameter.numel()) for parameter in part.parameters()]
    return {
        "trainable": sum(size for trains, size in sizes if trains),
        "frozen": sum(size for trains, size in sizes if not trains),
    }


def _shapes(method: Method) -> dict[str, str]:
    """Say what each part takes and gives; B batch, L audio frames, K audio tokens, S prompt length."""
    vision, audio = method.backbone, method.audio_encoder
    grid, text, joint = vision.image_size // vision.patch_size, vision.text_width, vision.joint_width
    side = vision.image_size
    return {
        "backbone": f"(B, 3, {side}, {side}) -> F_I (B, {joint}), v^D (B, {joint}, {grid}, {grid}), "
        f"{vision.layers} x (B, {grid * grid + 1}, {vision.vision_width})",
        "audio_encoder": f"(B, T) at {audio.sample_rate} Hz -> (B, L, {audio.width})",
        "projection": f"(B, L, {audio.width}) -> V_A (B, K, {text})",
        "prompt": f"V_A (B, K, {text}), F_I (B, {joint}) -> (B, S, {text})",
        "decoder": f"image features, A (B, {joint}) -> (B, h, w)",
        "masker": "(B, h, w) -> masks and heatmaps in 0..1",
    }
