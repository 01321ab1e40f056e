"""Checks of what takes part in training: schedules, optimizers and callbacks."""

from __future__ import annotations

import copy
import io
from pathlib import Path
from typing import Any

import torch
from torch import nn

from avprompt.distributed import ALONE
from avprompt.testing.assertions import checks
from avprompt.testing.stand_in_method import stand_in_method
from avprompt.training.callback import Callback
from avprompt.training.callbacks import Callbacks
from avprompt.training.parts import Optimizer, ParameterGroup, Schedule, built_optimizer, rate_factor
from avprompt.training.state import Progress, StepReport


@checks("schedules")
def check_schedule(schedule: Schedule) -> None:
    """Check that every step of short and long trainings has a factor, and always the same."""
    for total in (1, 2, 7, 100):
        factors = [rate_factor(schedule, step, total) for step in range(total)]
        again = [rate_factor(schedule, step, total) for step in reversed(range(total))]
        assert factors == again[::-1], "a factor depends on step and total alone: a resumed run asks again"


@checks("optimizers")
def check_optimizer(optimizer: Optimizer) -> None:
    """Check that the rate of each group is used, and that training goes on from a saved state alike."""
    groups = _groups()
    built = built_optimizer(optimizer, groups)
    moving, still = (group["params"][0] for group in groups)
    start = moving.detach().clone()
    built.param_groups[1]["lr"] = 0.0
    _step(built, 3)
    assert not torch.equal(moving, start), "a step along a gradient must change the parameters"
    assert torch.equal(still, torch.ones(3)), "a group whose learning rate is 0 must stay as it is"
    again = built_optimizer(optimizer, copied := _groups())
    for group, twin in zip(groups, copied, strict=True):
        twin["params"][0].data.copy_(group["params"][0])
    again.load_state_dict(copy.deepcopy(built.state_dict()))
    _step(built, 2)
    _step(again, 2)
    goes_on = torch.equal(moving, copied[0]["params"][0])
    assert goes_on, "after load_state_dict an optimizer must go on as the one whose state it was"


@checks("callbacks")
def check_callback(callback: Callback, again: Callback, folder: Path) -> None:
    """Check that a callback can be called, and that what it saves can be read and goes on alike.

    Args:
        callback: to check.
        again: built of the same options, as a resumed run builds it.
        folder: the run directory, where it may write, such as pytest's `tmp_path`.
    """
    whole, resumed = _StandInTraining(callback, folder), _StandInTraining(again, folder)
    whole.train(range(3))
    resumed.method.load_state_dict(whole.method.state_dict())
    resumed.progress.done = 3
    resumed.progress.callbacks = {"it": _saved(callback.state_dict())}
    resumed.callbacks.start(resumed.progress)
    for training in (whole, resumed):
        training.train(range(3, 6))
        training.callbacks.end(training.progress)
    ours, theirs = whole.method.state_dict(), resumed.method.state_dict()
    alike = all(torch.equal(value, theirs[name]) for name, value in ours.items())
    assert alike, "after load_state_dict a callback must leave the trained parts as if nothing had happened"
    message = "after load_state_dict a callback must say and stop as if nothing had happened"
    assert (whole.progress.stopped, whole.progress.notes) == (
        resumed.progress.stopped,
        resumed.progress.notes,
    ), message


class _StandInTraining:
    """Trains a method of stand-ins without a loss: each step adds 1, and scores rise, then fall."""

    def __init__(self, callback: Callback, folder: Path) -> None:
        torch.manual_seed(0)
        self.method = stand_in_method().train()
        self.progress = Progress(trained=True)
        self.callbacks = Callbacks({"it": callback}, self.method, 6, folder, ALONE, 1, self._scores)

    @property
    def trained(self) -> list[nn.Parameter]:
        return [parameter for parameter in self.method.parameters() if parameter.requires_grad]

    def train(self, steps: range) -> None:
        if steps.start == 0:
            self.callbacks.start(self.progress)
        for step in steps:
            with torch.no_grad():
                for parameter in self.trained:
                    parameter.add_(1)
            self.progress.done = step + 1
            report = StepReport(step, 6, {"total": 1 / (step + 1)}, 0.5, 1e-3)
            self.callbacks.after_step(self.progress, report)
            self.callbacks.validate_if_due(self.progress)

    def _scores(self) -> tuple[str, dict[str, float]]:
        done = self.progress.done
        return "cIoU", {"cIoU": 50.0 - (done - 2) ** 2, "AUC": 30.0 + done}


def _saved(state: Any) -> Any:
    """Return a state as a resumed run reads it."""
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    try:
        return torch.load(file, weights_only=True)
    except Exception as error:
        raise AssertionError(
            f"state_dict must return tensors, numbers, texts, lists and tables alone: {error}"
        ) from error


def _groups() -> list[ParameterGroup]:
    """Return two groups of one parameter each, without weight decay."""
    return [
        {"params": [torch.ones(3, requires_grad=True)], "lr": 0.1, "scale": 1.0, "weight_decay": 0.0}
        for _ in range(2)
    ]


def _step(optimizer: torch.optim.Optimizer, times: int) -> None:
    for number in range(times):
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                parameter.grad = torch.tensor([1.0, -2.0, 0.5]) * (number + 1)
        optimizer.step()
