"""Optimizers, with the options that PyTorch gives them; rate and weight decay are those of `training`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import torch
from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from avprompt.plugin import Optimizer, Options, ParameterGroup

Decay = Annotated[float, Field(ge=0, lt=1)]


class AdamOptions(Options):
    """Options of Adam and AdamW.

    Attributes:
        betas: decay of the averages of the gradient and of its square.
        eps: added to the root of the latter.
    """

    betas: tuple[Decay, Decay] = (0.9, 0.999)
    eps: float = Field(default=1e-8, gt=0)


class Adam(Optimizer):
    """Adam (arXiv 1412.6980); weight decay is added to the gradient, as in the papers of this field."""

    Config = AdamOptions

    def build(self, groups: Sequence[ParameterGroup]) -> torch.optim.Adam:
        """Return torch's Adam."""
        return torch.optim.Adam(groups, betas=self.config.betas, eps=self.config.eps)


class AdamW(Optimizer):
    """Adam with decoupled weight decay (arXiv 1711.05101): lr times weight decay shrinks each parameter."""

    Config = AdamOptions

    def build(self, groups: Sequence[ParameterGroup]) -> torch.optim.AdamW:
        """Return torch's AdamW."""
        return torch.optim.AdamW(groups, betas=self.config.betas, eps=self.config.eps)


class SGDOptions(Options):
    """Options of stochastic gradient descent.

    Attributes:
        momentum: share of the step before that is taken again.
        nesterov: look at the gradient ahead of that share; needs momentum.
    """

    momentum: Decay = 0.9
    nesterov: bool = False

    @field_validator("nesterov")
    @classmethod
    def _needs_momentum(cls, nesterov: bool, info: ValidationInfo) -> bool:
        if nesterov and info.data.get("momentum") == 0:
            raise PydanticCustomError("nesterov", "Input should be false where momentum is 0")
        return nesterov


class SGD(Optimizer):
    """Stochastic gradient descent with momentum; weight decay is added to the gradient."""

    Config = SGDOptions

    def build(self, groups: Sequence[ParameterGroup]) -> torch.optim.SGD:
        """Return torch's SGD."""
        config = self.config
        return torch.optim.SGD(groups, lr=0.0, momentum=config.momentum, nesterov=config.nesterov)
