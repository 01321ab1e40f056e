"""The convolutional position embedding of BEATs."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class PositionConv(nn.Module):
    """The convolutional position embedding (arXiv 2006.11477), weight-normalised along time.

    Its weight is g v / |v| with one gain for each tap (weight norm over dimension 2, arXiv 1602.07868).
    Checkpoints saved through `torch.nn.utils.parametrizations` load as well.
    """

    SPELLINGS: ClassVar = {
        "parametrizations.weight.original0": "weight_g",
        "parametrizations.weight.original1": "weight_v",
    }

    def __init__(self, width: int, taps: int, groups: int) -> None:
        super().__init__()
        self.groups = groups
        self.bias = nn.Parameter(torch.zeros(width))
        self.weight_v = nn.Parameter(torch.empty(width, width // groups, taps))
        nn.init.normal_(self.weight_v, std=(4 / (taps * width)) ** 0.5)
        self.weight_g = nn.Parameter(self._tap_norms().detach().clone())
        self.register_load_state_dict_pre_hook(_rename_weight_norm)  # type: ignore[no-untyped-call]

    def _tap_norms(self) -> Tensor:
        norms: Tensor = torch.linalg.vector_norm(self.weight_v, dim=(0, 1), keepdim=True)
        return norms  # (1, 1, taps)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (B, W, L) along L; an even number of taps drops the step that padding adds.

        On a CPU in float32 whatever the precision: on processors with AMX, bfloat16 convolutions of few
        channels a group come out wrong by the size of the output (seen with torch 2.14).
        """
        weight = self.weight_v * (self.weight_g / self._tap_norms())
        taps = weight.shape[-1]
        if x.device.type == "cpu":
            with torch.autocast("cpu", enabled=False):
                y = F.conv1d(
                    x.float(), weight.float(), self.bias.float(), padding=taps // 2, groups=self.groups
                )
        else:
            y = F.conv1d(x, weight, self.bias, padding=taps // 2, groups=self.groups)
        return y[..., : x.shape[-1]]


def _rename_weight_norm(module: nn.Module, state: dict[str, Tensor], prefix: str, *_: object) -> None:
    for new, classic in PositionConv.SPELLINGS.items():
        if prefix + new in state:
            state[prefix + classic] = state.pop(prefix + new)
