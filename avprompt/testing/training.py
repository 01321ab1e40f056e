"""Checks of what takes part in training: schedules and optimizers."""

from __future__ import annotations

import copy

import torch

from avprompt.testing.assertions import checks
from avprompt.training.parts import Optimizer, ParameterGroup, Schedule, built_optimizer, rate_factor


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
