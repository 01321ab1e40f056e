"""Miniature encoders, pretrained on the toy world, with their weights in the package."""

from __future__ import annotations

from avprompt.plugin import Register, hookimpl


@hookimpl
def register_backbones(register: Register) -> None:
    """Register the miniature CLIP."""
    register("mini-clip", "avprompt_mini.backbone:MiniBackbone")


@hookimpl
def register_encoder_sets(register: Register) -> None:
    """Register the set of all miniature encoders."""
    register("mini", "avprompt_mini:mini.yaml")
