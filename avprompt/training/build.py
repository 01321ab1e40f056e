"""The parts of training that a method's options name, built."""

from __future__ import annotations

from typing import Any

from avprompt.config.tables import TRAINING_KINDS, name_and_options
from avprompt.config.training_options import TrainingOptions
from avprompt.model.build import build_part
from avprompt.registry import Registry
from avprompt.training.callback import Callback
from avprompt.training.parts import Optimizer, Schedule


def build_schedule(registry: Registry, training: TrainingOptions) -> Schedule:
    """Build the schedule of the learning rate; raises what `build_part` does."""
    schedule: Schedule = _build(registry, training, "schedule")
    return schedule


def build_optimizer(registry: Registry, training: TrainingOptions) -> Optimizer:
    """Build what makes the optimizer; raises what `build_part` does."""
    optimizer: Optimizer = _build(registry, training, "optimizer")
    return optimizer


def build_callbacks(registry: Registry, training: TrainingOptions) -> dict[str, Callback]:
    """Build the callbacks by name; raises what `build_part` does."""
    return {
        name: build_part(registry, "callbacks", name, table or {}, f"training.callbacks.{name}")
        for name, table in training.callbacks.items()
    }


def _build(registry: Registry, training: TrainingOptions, option: str) -> Any:
    name, table = name_and_options(getattr(training, option))
    return build_part(registry, TRAINING_KINDS[option], name, table, f"training.{option}")
