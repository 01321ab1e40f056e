"""The guard: training stops before a number that is none reaches the parameters."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from avprompt.errors import TrainingError
from avprompt.training.step import Encoded


def check_numbers(
    losses: dict[str, Tensor], norm: float, clips: Encoded, ids: Sequence[str], step: int, path: Path
) -> None:
    """Make sure that a loss and the length of its gradient are numbers.

    Args:
        losses: by term, with `total`.
        norm: of the gradient.
        clips: what led to them.
        ids: of the clips.
        step: of training.
        path: where clips go that led to none.

    Raises:
        TrainingError: one is not finite.
    """
    if torch.isfinite(losses["total"]) and math.isfinite(norm):
        return
    tensors = {"pixels": clips.pixels.contiguous(), "frames": clips.frames.contiguous()}
    save_file(tensors, path, metadata={"ids": json.dumps(list(ids)), "step": str(step)})
    terms = ", ".join(f"{name} {float(value.detach()):.4g}" for name, value in losses.items())
    raise TrainingError(
        f"Training stopped at step {step}: a loss or gradient is not a number ({terms}; gradient norm "
        f"{norm:.4g}). The batch is in '{path}'. Try a lower training.learning_rate or --precision no."
    )
