"""The label predictor on top of a fine-tuned BEATs."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Predictor(nn.Module):
    """A linear layer, under the names of the official checkpoints.

    It comes from a file and has no random start, so that an encoder with it draws no number more. It is kept
    as buffers: parameters are counted as papers count them, of the encoder without it.
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.register_buffer("weight", torch.zeros(classes, width))
        self.register_buffer("bias", torch.zeros(classes))

    def forward(self, frames: Tensor) -> Tensor:
        """Map (B, L, W) to the mean of the frames' logits (B, n), which is the logit of the mean frame."""
        return F.linear(frames.mean(1), self.weight, self.bias)
