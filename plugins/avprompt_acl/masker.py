"""ACL-SSL's masks (arXiv 2311.04066): hard on the image by a Gumbel-sigmoid, soft on the features.

Parameter names follow the published checkpoints, so that `masker_i` of such a file loads as it is.
"""

from __future__ import annotations

from typing import Any

import torch
from pydantic import Field
from torch import Tensor, nn

from avprompt.plugin import Masker, TrainedOptions, resize_maps


class GumbelSigmoidOptions(TrainedOptions):
    """Options of the Gumbel-sigmoid masker.

    Attributes:
        scale: w, what mask logits are multiplied with; learned unless `trained` is false.
        bias: b, what is added then; learned likewise.
        feature_temperature: softness of the feature mask around the middle of a map's range.
    """

    scale: float = 10.0
    bias: float = 14.0
    feature_temperature: float = Field(default=0.07, gt=0)


class GumbelSigmoidMasker(Masker):
    """Scales and shifts mask logits by w and b, two learned scalars, and draws hard masks from them.

    Ours: the area term and the masked image see the same draw, where the published code draws once for each.
    Either loss has the same distribution with one draw as with two, and so their sum the same expected
    gradient; only by chance the two losses now vary together.
    """

    Config = GumbelSigmoidOptions

    def __init__(self, config: GumbelSigmoidOptions) -> None:
        super().__init__(config)
        self.w = nn.Parameter(torch.tensor(float(config.scale)))
        self.b = nn.Parameter(torch.tensor(float(config.bias)))

    def hard(self, logits: Tensor, noise: Tensor) -> Tensor:
        """Return 1 where w g + b plus logistic noise is above 0; the gradient is that of its sigmoid."""
        tiny = torch.finfo(noise.dtype).tiny
        logistic = noise.clamp(tiny, 1 - 1e-7).logit_()
        hard: Tensor = _StraightThrough.apply(torch.addcmul(logistic + self.b, self.w, logits))
        return hard

    def feature(self, logits: Tensor, grid: tuple[int, int]) -> Tensor:
        """Return soft masks (..., h, w) on the patch grid, from each map's own range.

        A constant map has no range and marks nothing: its mask is sigmoid(-0.5 / temperature), about 0.001,
        everywhere. Dividing by its range would make it NaN, and the loss with it.
        """
        low, high = logits.amin((-2, -1), keepdim=True), logits.amax((-2, -1), keepdim=True)
        unit = (resize_maps(logits, grid, mode="nearest") - low) / (high - low).clamp_min(1e-6)
        return torch.sigmoid((unit - 0.5) / self.config.feature_temperature)

    def heatmap(self, logits: Tensor, size: tuple[int, int]) -> Tensor:
        """Return sigmoid(g + b/w) in 0..1, as the published code shows masks; logits are resized first."""
        return torch.sigmoid(resize_maps(logits, size, mode="bicubic") + self.b / self.w)


class _StraightThrough(torch.autograd.Function):
    """Steps from 0 to 1 at 0; its gradient is that of the sigmoid."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor) -> Tensor:
        ctx.save_for_backward(logits)
        return (logits > 0).to(logits.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (logits,) = ctx.saved_tensors
        return torch.ops.aten.sigmoid_backward(gradients[0], logits.sigmoid())  # type: ignore[no-any-return]
