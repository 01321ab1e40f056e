"""The optimiser at work: how many steps, at which rate, on which parameters, with gradients of all ranks."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from accelerate import Accelerator
from torch import nn

from avprompt.config.training_options import TrainingOptions
from avprompt.distributed import Ranks
from avprompt.model.method import Method
from avprompt.training.batches import steps_per_epoch
from avprompt.training.objective import EncodedBatch, Objective
from avprompt.training.parts import Optimizer, ParameterGroup, Schedule, built_optimizer, rate_factor


@dataclass(frozen=True)
class Optimisation:
    """Minimises a method's losses.

    Attributes:
        options: of training.
        total: steps from the first to the last.
        accelerator: device, precision and processes.
        objective: of the method; where there are several ranks, DDP's wrapper of it.
        schedule: of the learning rate after the warm-up.
        optimizer: accelerate's wrapper of torch's.
    """

    options: TrainingOptions
    total: int
    accelerator: Accelerator
    objective: nn.Module
    schedule: Schedule
    optimizer: torch.optim.Optimizer

    @classmethod
    def of(
        cls,
        method: Method,
        options: TrainingOptions,
        schedule: Schedule,
        optimizer: Optimizer,
        total: int,
        accelerator: Accelerator,
        ranks: Ranks,
    ) -> Optimisation:
        """Make the optimiser of a method that is on its device."""
        objective: nn.Module = Objective(method, accelerator.autocast)
        if ranks.size > 1:
            objective = accelerator.prepare(objective)
        prepared = accelerator.prepare(built_optimizer(optimizer, parameter_groups(method, options)))
        return cls(options, total, accelerator, objective, schedule, prepared)

    def start_step(self, step: int) -> float:
        """Forget the gradients of the step before, and return the learning rate of this one."""
        rate = self.options.learning_rate * self._factor(step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["scale"]
        self.optimizer.zero_grad(set_to_none=True)
        return rate

    def _factor(self, step: int) -> float:
        """Return the factor of the learning rate at a step: a linear rise, then what the schedule says."""
        warmup = min(self.options.warmup_steps, self.total - 1)
        if step < warmup:
            return (step + 1) / (warmup + 1)
        return rate_factor(self.schedule, step - warmup, self.total - warmup)

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
        """Take the step; says whether it was taken, which fp16 leaves out where the gradient overflows."""
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


def parameter_groups(method: Method, options: TrainingOptions) -> list[ParameterGroup]:
    """Return one group a trained part, so that each has its own rate and weight decay."""
    groups: list[ParameterGroup] = []
    for part in method.trained_parts().values():
        scale = getattr(part.config, "learning_rate_scale", 1.0)
        own: float | None = getattr(part.config, "weight_decay", None)
        groups.append(
            {
                "params": [parameter for parameter in part.parameters() if parameter.requires_grad],
                "lr": options.learning_rate * scale,
                "scale": scale,
                "weight_decay": options.weight_decay if own is None else own,
            }
        )
    return groups
