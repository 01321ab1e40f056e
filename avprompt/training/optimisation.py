"""The optimiser at work: how many steps, at which rate, on which parameters, with gradients of all ranks."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import Accelerator
from torch import nn

from avprompt.config.method_config import TrainingOptions
from avprompt.distributed import Ranks
from avprompt.model.method import Method
from avprompt.training.batches import steps_per_epoch
from avprompt.training.objective import EncodedBatch, Objective


@dataclass(frozen=True)
class Optimisation:
    """Minimises a method's losses.

    Attributes:
        options: of training.
        total: steps from the first to the last.
        accelerator: device, precision and processes.
        objective: of the method; where there are several ranks, DDP's wrapper of it.
        optimizer: accelerate's wrapper of Adam.
    """

    options: TrainingOptions
    total: int
    accelerator: Accelerator
    objective: nn.Module
    optimizer: torch.optim.Optimizer

    @classmethod
    def of(
        cls, method: Method, options: TrainingOptions, total: int, accelerator: Accelerator, ranks: Ranks
    ) -> Optimisation:
        """Make the optimiser of a method that is on its device."""
        objective: nn.Module = Objective(method, accelerator.autocast)
        if ranks.size > 1:
            objective = accelerator.prepare(objective)
        return cls(
            options, total, accelerator, objective, accelerator.prepare(make_optimizer(method, options))
        )

    def start_step(self, step: int) -> float:
        """Forget the gradients of the step before, and return the learning rate of this one."""
        rate = self.options.learning_rate * schedule(self.options, step, self.total)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["scale"]
        self.optimizer.zero_grad(set_to_none=True)
        return rate

    def add_gradients(self, batch: EncodedBatch, batches: int) -> dict[str, float]:
        """Add the gradients of one of so many batches to those of the step; returns its losses."""
        losses = self.objective(batch)
        self.accelerator.backward(losses["total"] / batches)
        return {name: float(loss.detach()) for name, loss in losses.items()}

    def without_exchange(self) -> AbstractContextManager[None]:
        """Return the context in which gradients stay on their rank."""
        context: AbstractContextManager[None] = self.accelerator.no_sync(self.objective)
        return context

    def clip_gradients(self) -> float:
        """Shorten the gradient to the longest allowed, and return how long it was."""
        parameters = [parameter for group in self.optimizer.param_groups for parameter in group["params"]]
        return float(self.accelerator.clip_grad_norm_(parameters, self.options.clip_norm or math.inf))

    def change_parameters(self) -> bool:
        """Take Adam's step; says whether it was taken, which fp16 leaves out where the gradient overflows."""
        self.optimizer.step()
        return not getattr(self.optimizer, "step_was_skipped", False)

    @property
    def leaves_out_overflow(self) -> bool:
        """Whether the optimiser itself leaves out steps whose gradient is not finite, as with fp16."""
        return self.accelerator.scaler is not None


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
                "params": [parameter for parameter in part.parameters() if parameter.requires_grad],
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
