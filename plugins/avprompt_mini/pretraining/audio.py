"""Pretraining of the miniature BEATs as a classifier of toy sounds."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from avprompt_beats.architecture import BeatsArchitecture
from avprompt_beats.model import Beats
from avprompt_benchmarks.toy.classes import CLASSES, SHAPES, TEXTURES
from avprompt_mini.pretraining.sounds import SoundPool

ARCHITECTURE = BeatsArchitecture(
    input_patch_size=16,
    embed_dim=64,
    encoder_layers=4,
    encoder_embed_dim=96,
    encoder_ffn_embed_dim=192,
    encoder_attention_heads=4,
    deep_norm=True,
    relative_position_embedding=True,
    num_buckets=32,
    max_distance=96,
    gru_rel_pos=True,
    conv_pos=16,
    conv_pos_groups=8,
)


@dataclass(frozen=True)
class AudioRecipe:
    """Settings of a run; the defaults made the weights that are shipped."""

    steps: int = 500
    batch: int = 64
    learning_rate: float = 2e-3
    warm_up: int = 75
    weight_decay: float = 0.02


class Listener(nn.Module):
    """The miniature BEATs under a classifier that is dropped afterwards."""

    def __init__(self) -> None:
        super().__init__()
        self.beats = Beats(ARCHITECTURE)
        self.head = nn.Linear(ARCHITECTURE.encoder_embed_dim, len(CLASSES) + len(SHAPES) + len(TEXTURES))

    def forward(self, banks: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Classify filterbanks (B, frames, 128): logits of classes, shapes and textures."""
        frames = self.beats.encoder(self.beats.embed(banks))[-1]  # (B, L, W)
        logits = self.head(frames.mean(1))  # (B, 24 + 6 + 4)
        classes, shapes, textures = torch.split(logits, [len(CLASSES), len(SHAPES), len(TEXTURES)], dim=1)
        return classes, shapes, textures


def train(
    listener: Listener, pool: SoundPool, recipe: AudioRecipe, report: Callable[[int, dict[str, float]], None]
) -> None:
    """Train for `recipe.steps` steps; `report` is called after each with the loss."""
    rng = random.Random(0)
    optimizer = torch.optim.AdamW(
        listener.parameters(), recipe.learning_rate, betas=(0.9, 0.98), weight_decay=recipe.weight_decay
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, recipe))
    for step in range(recipe.steps):
        rows = torch.tensor(rng.sample(range(len(pool)), recipe.batch))
        loss = _loss(listener(pool.banks[rows].float()), pool.sounding[rows])
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(listener.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        report(step + 1, {"sound": float(loss.detach())})


def _loss(logits: tuple[Tensor, Tensor, Tensor], sounding: Tensor) -> Tensor:
    """Every sounding class, shape and texture is to be heard, and no other."""
    grid = sounding.float().view(-1, len(SHAPES), len(TEXTURES))
    targets = (grid.flatten(1), grid.amax(2), grid.amax(1))
    terms = [F.binary_cross_entropy_with_logits(x, y) for x, y in zip(logits, targets, strict=True)]
    return 5 * torch.stack(terms).sum()


def _rate(step: int, recipe: AudioRecipe) -> float:
    if step < recipe.warm_up:
        return (step + 1) / recipe.warm_up
    return 0.5 + 0.5 * math.cos(math.pi * (step - recipe.warm_up) / max(1, recipe.steps - recipe.warm_up))


@torch.no_grad()
def accuracy(listener: Listener, pool: SoundPool) -> float:
    """Return the share of sounds, percent, whose class has the highest logit."""
    listener.eval()
    named = torch.cat([listener(banks.float())[0].argmax(1) for banks in torch.split(pool.banks, 100)])
    return 100 * pool.sounding[torch.arange(len(pool)), named].float().mean().item()
