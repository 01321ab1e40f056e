"""From patches to pixels: the transposed convolutions at the end of CLIPSeg's mask decoder.

Their strides are as wide as their kernels, so no two patches meet in a pixel. Then a transposed convolution
is a matrix product that makes the k x k pixels of every patch, and pixels find their place in the end.
"""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor, nn


def make_enlarge(width: int, factor: int, *, in_two_steps: bool) -> nn.Module:
    """Make the modules that enlarge maps of `width` channels by `factor` and leave one channel.

    Their names are those of transformers' `CLIPSegDecoder.transposed_convolution`.

    Args:
        width: R, channels of the patches.
        factor: side of a patch, pixels.
        in_two_steps: after a convolution, as in "refined" checkpoints.
    """
    if not in_two_steps:
        return nn.ConvTranspose2d(width, 1, factor, stride=factor)
    first = max(step for step in range(1, factor + 1) if factor % step == 0 and step * step <= factor)
    second = factor // first  # 16 = 4 x 4 as published; other patches keep the exact pixel grid too
    return nn.Sequential(
        nn.Conv2d(width, width, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(width, width // 2, kernel_size=first, stride=first),
        nn.ReLU(),
        nn.ConvTranspose2d(width // 2, 1, kernel_size=second, stride=second),
    )


def enlarge(modules: nn.Module, grid: Tensor) -> Tensor:
    """Compute what `make_enlarge`'s modules do to (N, R, h, w): maps (N, h * factor, w * factor)."""
    x = grid
    steps: list[int] = []
    for module in modules if isinstance(modules, nn.Sequential) else [modules]:
        if isinstance(module, nn.ConvTranspose2d):
            x = _pixels(module, x if steps else x.permute(0, 2, 3, 1))  # (N, h, w, [k, k,] k', k', R')
            steps.append(module.kernel_size[0])
        else:
            x = module(x)
    return _in_place(x.squeeze(-1), steps)


def _pixels(module: nn.ConvTranspose2d, x: Tensor) -> Tensor:
    """Make the k x k pixels of every patch: (..., R) to (..., k, k, R')."""
    side = module.kernel_size[0]
    # A single channel stays in its place: the gradient then has the strides of the weight, as DDP likes.
    weight = module.weight.permute(0, 2, 3, 1) if module.out_channels > 1 else module.weight
    bias = None if module.bias is None else module.bias.repeat(side * side)
    pixels: Tensor = F.linear(x, weight.flatten(1).T, bias).unflatten(-1, (side, side, -1))
    return pixels


def _in_place(x: Tensor, steps: list[int]) -> Tensor:
    """Put pixels (N, h, w, k, k, k', k') in their rows and columns: (N, h * k * k', w * k * k')."""
    number, height, width = x.shape[:3]
    rows, columns = range(1, x.dim(), 2), range(2, x.dim(), 2)
    factor = math.prod(steps)
    return x.permute(0, *rows, *columns).reshape(number, height * factor, width * factor)
