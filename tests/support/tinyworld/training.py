"""Training in the tiny world, and what it leaves."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from avprompt.data.inputs import Sound
from avprompt.distributed import ALONE
from avprompt.model.grounding import Grounding
from avprompt.model.method import Method
from avprompt.training.state import LOG_FILE
from avprompt.training.trainer import Trainer
from avprompt.weights.checkpoint import trained_state

State = dict[str, Tensor]


def ground(
    method: Method, pixels: Tensor, waveform: Tensor, noise: Callable[[Tensor], Tensor] = torch.rand_like
) -> Grounding:
    """Ground clips as training does: pixels (B, 3, H, W) normalised, waveform (B, T) in -1..1."""
    image, frames = method.encode_image(pixels), method.encode_audio(waveform)
    grounding: Grounding = method(pixels, image, frames, noise, ALONE.rows(len(pixels)))
    return grounding


def waveforms(sounds: Sequence[Sound]) -> Tensor:
    """Return the waveforms (B, T) of sounds, which have all been decoded."""
    decoded = [sound.waveform for sound in sounds if sound.waveform is not None]
    assert len(decoded) == len(sounds)
    return torch.stack(decoded)


def without_noise(logits: Tensor) -> Tensor:
    """Draw the middle everywhere."""
    return torch.full_like(logits, 0.5)


def trained(trainer: Trainer, *, resume: bool = False) -> State:
    """Train, and return what was trained."""
    trainer.run(resume=resume)
    return trained_state(trainer.method)


def same(one: State, other: State) -> bool:
    """Say whether two states are equal bit for bit."""
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def log(folder: Path) -> list[dict[str, Any]]:
    """Return the training log."""
    return [json.loads(line) for line in (folder / LOG_FILE).read_text().splitlines()]
