"""The checks of schedules and optimizers name the promise that is broken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from avprompt.distributed import ALONE
from avprompt.plugin import Callback, Optimizer, Options, Schedule, TrainerState
from avprompt.testing import check_callback, check_optimizer, check_schedule
from avprompt.testing.rehearsal import localise
from avprompt.testing.stand_in_method import stand_in_method


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


class Asking(Callback):
    """Uses the method as a callback of a whole run may."""

    def on_step(self, state: TrainerState) -> None:
        method = state.method
        assert method.training
        assert method.prompt.config.pairing == "own"
        assert method.trainable_parameters() == sum(value.numel() for value in state.trained.values())
        localise(method)
        method.train()


def test_a_callback_may_use_the_method(tmp_path: Path) -> None:
    check_callback(Asking(Options()), Asking(Options()), tmp_path)


def test_the_method_of_stand_ins_trains() -> None:
    torch.manual_seed(0)
    method = stand_in_method().train()
    pixels, frames = torch.rand(2, 3, 32, 32), torch.rand(2, 4, 6)
    grounding = method(pixels, method.encode_image(pixels), frames, torch.rand_like, ALONE.rows(2))
    method.losses["area"](grounding).backward()
    (gradient,) = [p.grad for p in method.parameters() if p.requires_grad]
    assert gradient.any()
