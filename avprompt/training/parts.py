"""The interfaces of training: learning rate schedules and optimizers. Each is built as `cls(config)`."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import torch

from avprompt.config.options import Options
from avprompt.errors import PluginError
from avprompt.promises import describe

ParameterGroup = dict[str, Any]
"""A group of a torch optimizer: `params`, `lr`, `weight_decay`, and `scale` of the learning rate."""


class TrainingPart:
    """Base of what takes part in training; `Config` is the table of its options, `self.config` its values."""

    Config: ClassVar[type[Options]] = Options

    def __init__(self, config: Options) -> None:
        self.config: Any = config


class Schedule(TrainingPart, ABC):
    """The learning rate over training, as a factor of `training.learning_rate`."""

    @abstractmethod
    def __call__(self, step: int, total: int) -> float:
        """Return the factor of the learning rate, at least 0.

        Args:
            step: from 0 to total - 1, counted after `training.warmup_steps`, whose rate is the trainer's.
            total: steps after the warm-up, at least 1.
        """


class Optimizer(TrainingPart, ABC):
    """Makes a torch optimizer."""

    @abstractmethod
    def build(self, groups: Sequence[ParameterGroup]) -> torch.optim.Optimizer:
        """Return an optimizer of these groups, which every optimizer of torch takes as its first argument.

        Args:
            groups: one a trained part. The trainer sets each one's `lr` before every step: the learning
                rate of the step times `scale`, the part's `learning_rate_scale`.
        """


def rate_factor(schedule: Schedule, step: int, total: int) -> float:
    """Return what a schedule says of a step.

    Raises:
        PluginError: it is no factor.
    """
    factor = schedule(step, total)
    if not isinstance(factor, int | float) or not math.isfinite(factor) or factor < 0:
        raise PluginError(
            f"{describe(schedule)} must return a number of at least 0 from '__call__'; at step {step} of "
            f"{total} it returned {factor!r}."
        )
    return float(factor)


def built_optimizer(optimizer: Optimizer, groups: Sequence[ParameterGroup]) -> torch.optim.Optimizer:
    """Return the torch optimizer of some groups.

    Raises:
        PluginError: it is none, or not of these parameters.
    """
    built = optimizer.build(groups)
    if not isinstance(built, torch.optim.Optimizer):
        raise PluginError(f"{describe(optimizer)} must return a torch optimizer from 'build', not {built!r}.")
    ours, theirs = _layout(groups), _layout(built.param_groups)
    if ours != theirs:
        raise PluginError(
            f"{describe(optimizer)} must return from 'build' an optimizer of the groups that it is given, as "
            "they are: pass `groups` to it."
        )
    return built


def _layout(groups: Sequence[ParameterGroup]) -> list[tuple[float | None, list[int]]]:
    """Return which parameters lie in which group, and the scale of each."""
    return [(group.get("scale"), [id(parameter) for parameter in group["params"]]) for group in groups]
