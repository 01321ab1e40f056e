"""Callbacks that decide by the validation split, and an average of the trained parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from pydantic import Field
from torch import Tensor

from avprompt.plugin import Callback, Options, TrainerState


class EarlyStoppingOptions(Options):
    """Options of early stopping.

    Attributes:
        patience: validations without a better headline score after which training ends.
        min_delta: by how much, in percent points, a score must exceed the best one to be better.
    """

    patience: int = Field(default=3, ge=1)
    min_delta: float = Field(default=0.0, ge=0)


class EarlyStopping(Callback):
    """Ends training when the headline score of the validation split rises no more."""

    Config = EarlyStoppingOptions
    needs_validation = True

    def on_train_start(self, state: TrainerState) -> None:
        """Begin without a best score."""
        self.best: float | None = None
        self.best_step, self.waited = 0, 0

    def on_validate(self, state: TrainerState) -> str | None:
        """Stop at the end of patience."""
        if self.best is None or state.score > self.best + self.config.min_delta:
            self.best, self.best_step, self.waited = state.score, state.step, 0
            return None
        self.waited += 1
        if self.waited < self.config.patience:
            return None
        return (
            f"{state.headline} of the validation split has not risen for {self.waited} validations; the best "
            f"was {self.best:.2f} after step {self.best_step}"
        )

    def state_dict(self) -> dict[str, Any]:
        """Return the best score, its step, and how long it has been the best."""
        return {"best": self.best, "best_step": self.best_step, "waited": self.waited}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take them back."""
        self.best, self.best_step, self.waited = state["best"], state["best_step"], state["waited"]


class BestCheckpoint(Callback):
    """Keeps the trained parts that scored best on the validation split; of equal ones the first."""

    needs_validation = True

    def on_train_start(self, state: TrainerState) -> None:
        """Begin with nothing."""
        self.best: float | None = None
        self.step, self.parts = 0, dict[str, Tensor]()

    def on_validate(self, state: TrainerState) -> None:
        """Keep what is better than all before."""
        if self.best is None or state.score > self.best:
            self.best, self.step = state.score, state.step
            self.parts = {name: value.cpu().clone() for name, value in state.trained.items()}

    def on_end(self, state: TrainerState) -> str | None:
        """Put the best parts back, and say which step they are of."""
        if self.best is None:
            return None
        state.load(self.parts)
        return (
            f"the checkpoint holds the trained parts after step {self.step} of {state.step}, which scored "
            f"best on the validation split ({self.best:.2f})."
        )

    def state_dict(self) -> dict[str, Any]:
        """Return the best score, its step and its parts."""
        return {"best": self.best, "step": self.step, "parts": self.parts}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take them back."""
        self.best, self.step, self.parts = state["best"], state["step"], state["parts"]


class AverageOptions(Options):
    """Options of the average; `decay` is what is left of it in each step."""

    decay: float = Field(default=0.999, gt=0, lt=1)


class Average(Callback):
    """An exponential moving average of the trained parts (arXiv 1412.6980, section 7.2).

    It begins at 0 and is divided by 1 - decay^t after t steps, so that the parts before the first step have
    no share in it. It is what is validated, and what the checkpoint holds at the end. Training itself goes on
    from the parts that it has reached.
    """

    Config = AverageOptions

    def on_train_start(self, state: TrainerState) -> None:
        """Begin at 0."""
        self.steps = 0
        self.average = {name: torch.zeros_like(value) for name, value in state.trained.items()}

    def on_step(self, state: TrainerState) -> None:
        """Move the average towards what the step has reached; whole numbers, of counters, are taken over."""
        self.steps += 1
        for name, value in state.trained.items():
            if value.is_floating_point():
                self.average[name].lerp_(value, 1 - self.config.decay)
            else:
                self.average[name].copy_(value)

    def evaluated(self, state: TrainerState) -> Mapping[str, Tensor] | None:
        """Return the average, corrected for its beginning; None before the first step."""
        if self.steps == 0:
            return None
        weight = 1 - self.config.decay**self.steps
        return {
            name: value / weight if value.is_floating_point() else value
            for name, value in self.average.items()
        }

    def state_dict(self) -> dict[str, Any]:
        """Return the average as it is before the correction, and of how many steps it is."""
        return {"steps": self.steps, "average": self.average}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take them back, onto the device that they were on."""
        self.steps = state["steps"]
        for name, value in state["average"].items():
            self.average[name].copy_(value)
