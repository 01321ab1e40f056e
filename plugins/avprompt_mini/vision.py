"""The image tower of the miniature CLIP: a convolutional stem and four transformer blocks."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from avprompt.plugin import put_tokens
from avprompt_mini.layers import Block

STRIDES = (2, 2, 3)  # a patch of 12 pixels


class Stem(nn.Module):
    """Three convolutions that turn patches of 12 x 12 pixels into tokens."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 32, kernel_size=3, stride=STRIDES[0], padding=1)
        self.second = nn.Conv2d(32, 64, kernel_size=3, stride=STRIDES[1], padding=1)
        self.third = nn.Conv2d(64, width, kernel_size=3, stride=STRIDES[2])

    def forward(self, pixels: Tensor) -> Tensor:
        """Map (B, 3, H, W) to (B, N, width)."""
        x = F.gelu(self.first(pixels.contiguous(memory_format=torch.channels_last)))
        x = self.third(F.gelu(self.second(x)))  # (B, width, h, w)
        tokens: Tensor = x.flatten(2).transpose(1, 2)  # (B, N, width)
        return tokens


class ImageTower(nn.Module):
    """Encodes images of one fixed size.

    Args:
        image_size: side of the image, pixels.
        width: C.
        joint_width: D.
        blocks: transformer blocks.
        heads: attention heads.
        extract: after which blocks, counted from 1, hidden states are handed to the decoder.
    """

    def __init__(
        self, image_size: int, width: int, joint_width: int, blocks: int, heads: int, extract: tuple[int, ...]
    ) -> None:
        super().__init__()
        self.side = image_size // (STRIDES[0] * STRIDES[1] * STRIDES[2])
        self.extract = extract
        self.stem = Stem(width)
        self.class_token = nn.Parameter(torch.randn(width) * 0.1)
        self.positions = nn.Parameter(torch.randn(self.side**2 + 1, width) * 0.1)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(blocks))
        self.norm = nn.LayerNorm(width)
        self.project = nn.Linear(width, joint_width, bias=False)

    def forward(
        self, pixels: Tensor, visual: Sequence[Tensor] = ()
    ) -> tuple[Tensor, tuple[Tensor, ...], Tensor]:
        """Encode (B, 3, H, W): pooled (B, D), hidden states (B, N + 1, C), dense (B, D, h, w).

        Prompt tokens (M, C) stand behind the patches in the first blocks, and in none of these.
        """
        states = self._states(pixels, visual)
        if visual:
            states = [state[:, : self.side**2 + 1] for state in states]
        dense = self.project(self.norm(self.blocks[-1].value_only(states[-2][:, 1:])))  # type: ignore[operator]
        dense = dense.transpose(1, 2).unflatten(2, (self.side, self.side))  # (B, D, h, w)
        return self._pool(states[-1]), tuple(states[i] for i in self.extract), dense

    def pool(self, pixels: Tensor, visual: Sequence[Tensor] = ()) -> Tensor:
        """Return the projected class token (B, D) alone."""
        return self._pool(self._states(pixels, visual)[-1])

    def _states(self, pixels: Tensor, visual: Sequence[Tensor]) -> list[Tensor]:
        """The tokens (B, N + 1 + M, C) that enter each block, and those that leave the last."""
        patches = self.stem(pixels)
        tokens = torch.cat([self.class_token.expand(len(patches), 1, -1), patches], dim=1)
        states = [tokens + self.positions]
        for depth, block in enumerate(self.blocks):
            if depth < len(visual):
                states[-1] = put_tokens(states[-1], visual[depth], start=tokens.shape[1])
            states.append(block(states[-1]))
        return states

    def _pool(self, state: Tensor) -> Tensor:
        return self.project(self.norm(state[:, 0]))  # type: ignore[no-any-return]
