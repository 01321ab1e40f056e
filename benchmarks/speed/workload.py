"""The methods and batches that are timed: the published sizes with random weights, or the miniature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from official import BEATS, overrides, write_beats, write_clipseg
from torch import Tensor

from avprompt.config.method_config import resolve
from avprompt.model.build import build
from avprompt.model.method import Method
from avprompt.plugin.discovery import load_plugins
from avprompt.records import Batch

Size = Literal["published", "small", "mini"]
"""The published encoders, the same architecture in small, and the miniature ones of the toy world."""

SECONDS = {"published": 10.0, "small": 2.0, "mini": 2.0}
"""How long the sounds are."""

# Random decoders give logits near zero. Without the bias half of each hard mask is set, by the noise, so
# that the masked image and its gradient are like those of training; with it, nothing would be masked.
MIXED_MASKS = "masker.bias=0"


@dataclass(frozen=True)
class Clips:
    """A batch, and the draws of its Gumbel-sigmoid (B, B, H, W)."""

    batch: Batch
    noise: Tensor


def write_checkpoints(size: Size, folder: Path) -> None:
    """Write what `make_method` reads; the miniature comes with its weights."""
    if size != "mini" and not (folder / BEATS).exists():
        torch.manual_seed(0)
        write_clipseg(folder, small=size == "small")
        write_beats(folder, small=size == "small")


def make_method(
    name: str, size: Size, folder: Path, device: str = "cpu", settings: Sequence[str] = ()
) -> Method:
    """Build a method with the same weights every time; `settings` are further `--set` options."""
    registry = load_plugins().registry
    chosen = (*_encoders(size, folder), MIXED_MASKS, *settings)
    method_config = resolve(registry, name, "mini" if size == "mini" else "published", chosen)
    torch.manual_seed(0)
    return build(method_config, registry).to(device).train()


def draw_clips(
    method: Method, size: Size, count: int, device: str = "cpu", dtype: torch.dtype = torch.float32
) -> Clips:
    """Draw clips of noise, the same every time; pixels are of the type that the method computes in."""
    torch.manual_seed(1)
    side, rate = method.backbone.image_size, method.audio_encoder.sample_rate
    pixels = torch.randn(count, 3, side, side)
    batch = Batch(pixels.to(dtype), 0.1 * torch.randn(count, round(SECONDS[size] * rate))).to(device)
    return Clips(batch, torch.rand(count, count, *_mask_size(method, batch.pixels[:1])).to(device))


def _encoders(size: Size, folder: Path) -> tuple[str, ...]:
    if size == "mini":
        return ()
    return (*overrides(folder), *(["backbone.image_size=64"] if size == "small" else []))


@torch.no_grad()
def _mask_size(method: Method, pixels: Tensor) -> tuple[int, int]:
    """Return the size of the decoder's maps; ask it, for decoders differ."""
    image = method.encode_image(pixels)
    height, width = method.decoder(image, torch.zeros_like(image.pooled)).shape[-2:]
    return height, width
