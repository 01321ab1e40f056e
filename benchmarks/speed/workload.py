"""The methods and batches that are timed: the published sizes with random weights, or the miniature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from official import BEATS, checkpoint_options, write_beats, write_clipseg
from torch import Tensor

from avprompt.config.method_config import resolve
from avprompt.distributed import ALONE
from avprompt.model.build import build
from avprompt.model.method import Method
from avprompt.plugin.discovery import load_plugins

Size = Literal["published", "small", "mini"]
"""The published encoders, the same architecture in small, and the miniature ones of the toy world."""

SECONDS = {"published": 10.0, "small": 2.0, "mini": 2.0}
"""How long the sounds are."""

# Random decoders give logits near zero. Without the bias half of each hard mask is set, by the noise, so
# that the masked image and its gradient are like those of training; with it, nothing would be masked.
MIXED_MASKS = "masker.bias=0"


@dataclass(frozen=True)
class RandomClips:
    """A batch of clips drawn at random, and the draws of its masks.

    Attributes:
        pixels: (B, 3, H, W) normalised.
        waveform: (B, T) in -1..1.
        noise: the uniform draws (B, B, h, w) of the Gumbel-sigmoid.
    """

    pixels: Tensor
    waveform: Tensor
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
    overrides = (*_encoders(size, folder), MIXED_MASKS, *settings)
    method_config = resolve(registry, name, "mini" if size == "mini" else "published", overrides)
    torch.manual_seed(0)
    return build(method_config, registry).to(device).train()


def draw_clips(
    method: Method, size: Size, count: int, device: str = "cpu", dtype: torch.dtype = torch.float32
) -> RandomClips:
    """Draw clips, the same every time; pixels are of the type that the method computes in."""
    torch.manual_seed(1)
    side, rate = method.backbone.image_size, method.audio_encoder.sample_rate
    pixels = torch.randn(count, 3, side, side).to(device, dtype)
    waveform = 0.1 * torch.randn(count, round(SECONDS[size] * rate)).to(device)
    noise = torch.rand(count, count, *_mask_size(method, pixels[:1])).to(device)
    return RandomClips(pixels, waveform, noise)


def loss_terms(method: Method, clips: RandomClips, frames: Tensor | None = None) -> dict[str, Tensor]:
    """Return the weighted losses of clips as training computes them, and their sum as `total`.

    Args:
        method: which encodes them first.
        clips: B of them.
        frames: (B, L, W) of the sounds, where those are encoded already.
    """
    image = method.encode_image(clips.pixels)
    heard = method.encode_audio(clips.waveform) if frames is None else frames
    rows = ALONE.rows(len(clips.pixels))
    return method.loss_terms(method(clips.pixels, image, heard, lambda logits: clips.noise, rows))


def _encoders(size: Size, folder: Path) -> tuple[str, ...]:
    if size == "mini":
        return ()
    return (*checkpoint_options(folder), *(["backbone.image_size=64"] if size == "small" else []))


@torch.no_grad()
def _mask_size(method: Method, pixels: Tensor) -> tuple[int, int]:
    """Return the size of the decoder's maps; ask it, for decoders differ."""
    image = method.encode_image(pixels)
    height, width = method.decoder(image, torch.zeros_like(image.pooled)).shape[-2:]
    return height, width
