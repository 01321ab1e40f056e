"""What training asks of an optimiser: how many steps, at which rate, with which parameters."""

from __future__ import annotations

import math
from typing import Any

import torch

from avprompt.config.method_config import TrainingOptions
from avprompt.model.method import Method
from avprompt.training.batches import steps_per_epoch


def total_steps(options: TrainingOptions, samples: int) -> int:
    """Return how many steps the options ask for on so many clips."""
    batches = options.epochs * steps_per_epoch(samples, options.batch_size)
    return options.steps or max(1, batches // options.accumulate)


def make_optimizer(method: Method, options: TrainingOptions) -> torch.optim.Adam:
    """Return Adam with one group a part, so that each has its own rate and weight decay."""
    groups: list[dict[str, Any]] = []
    for part in method.trained_parts().values():
        own: float | None = getattr(part.config, "weight_decay", None)
        groups.append(
            {
                "params": [p for p in part.parameters() if p.requires_grad],
                "scale": getattr(part.config, "learning_rate_scale", 1.0),
                "weight_decay": options.weight_decay if own is None else own,
            }
        )
    return torch.optim.Adam(groups, lr=options.learning_rate)


def schedule(options: TrainingOptions, step: int, total: int) -> float:
    """Return the factor of the learning rate at a step: a linear rise, then constant or a cosine."""
    warmup = min(options.warmup_steps, total - 1)
    if step < warmup:
        return (step + 1) / (warmup + 1)
    if options.schedule == "constant":
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, total - warmup)))
