"""The checks of schedules and optimizers name the promise that is broken."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from avprompt.plugin import Optimizer, Options, Schedule
from avprompt.testing import check_optimizer, check_schedule


class Rising(Schedule):
    def __call__(self, step: int, total: int) -> float:
        return (step + 1) / total


class Forgetful(Rising):
    calls = 0

    def __call__(self, step: int, total: int) -> float:
        self.calls += 1
        return 1 / self.calls


class Negative(Rising):
    def __call__(self, step: int, total: int) -> float:
        return -1.0


class Plain(Optimizer):
    def build(self, groups: Any) -> torch.optim.Optimizer:
        return torch.optim.SGD(groups, momentum=0.9)


class Stubborn(Plain):
    """Keeps the rate that it was built with."""

    def build(self, groups: Any) -> torch.optim.Optimizer:
        class Own(torch.optim.SGD):
            def step(self, closure: Any = None) -> Any:
                for group in self.param_groups:
                    group["lr"] = 0.1
                return super().step(closure)

        return Own(groups)


class Stuck(Plain):
    def build(self, groups: Any) -> torch.optim.Optimizer:
        class Own(torch.optim.SGD):
            def step(self, closure: Any = None) -> Any:
                return None

        return Own(groups)


class Amnesiac(Plain):
    """Has a state that `state_dict` leaves out."""

    def build(self, groups: Any) -> torch.optim.Optimizer:
        class Own(torch.optim.SGD):
            def load_state_dict(self, state_dict: Any) -> None:
                super().load_state_dict(state_dict | {"state": {}})

        return Own(groups, momentum=0.9)


def test_good_parts_pass() -> None:
    check_schedule(Rising(Options()))
    check_optimizer(Plain(Options()))


@pytest.mark.parametrize(
    ("schedule", "message"),
    [(Forgetful, "depends on step and total alone"), (Negative, "must return a number of at least 0")],
)
def test_broken_schedules(schedule: type[Schedule], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_schedule(schedule(Options()))


@pytest.mark.parametrize(
    ("optimizer", "message"),
    [
        (Stubborn, "whose learning rate is 0 must stay"),
        (Stuck, "must change the parameters"),
        (Amnesiac, "must go on as the one whose state it was"),
    ],
)
def test_broken_optimizers(optimizer: type[Optimizer], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_optimizer(optimizer(Options()))
