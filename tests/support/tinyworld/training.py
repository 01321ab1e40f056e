"""Training in the tiny world, and what it leaves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from avprompt.training.state import LOG_FILE
from avprompt.training.trainer import Trainer
from avprompt.weights.checkpoint import trained_state

State = dict[str, Tensor]


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
