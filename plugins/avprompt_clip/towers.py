"""The mathematics of CLIP's two transformers, whichever library built their modules.

transformers and open_clip hold the same layers under different names. Each backbone says here which
layer is which, and everything that is computed with them is written once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from avprompt.plugin import put_tokens

Map = Callable[[Tensor], Tensor]

QUICK = 1.702


@dataclass(frozen=True)
class Block:
    """One residual block: attention, then an MLP, each after a layer norm."""

    heads: int
    norm_attention: Map
    query: Map
    key: Map
    value: Map
    output: Map
    norm_mlp: Map
    mlp: Map

    def __call__(self, x: Tensor, *, causal: bool = False) -> Tensor:
        """Map (B, tokens, width) to the same shape."""
        normed = self.norm_attention(x)
        query, key, value = (
            split_heads(project(normed), self.heads) for project in (self.query, self.key, self.value)
        )
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=causal)
        return self._feed(x + self.output(mixed.transpose(1, 2).flatten(2)))

    def at(self, x: Tensor, index: int | Tensor, *, causal: bool = False) -> Tensor:
        """Map (B, tokens, width) to the state (B, 1, width) of one token: no other is computed.

        Args:
            x: (B, tokens, width).
            index: of the token, or of each row's own (B,).
            causal: a token attends to itself and those before it.
        """
        if isinstance(index, Tensor):
            return self._at_each(x, index, causal=causal)
        normed = self.norm_attention(x[:, : index + 1] if causal else x)
        query = split_heads(self.query(normed[:, index : index + 1]), self.heads)
        key, value = (split_heads(project(normed), self.heads) for project in (self.key, self.value))
        mixed = F.scaled_dot_product_attention(query, key, value)
        return self._feed(x[:, index : index + 1] + self.output(mixed.transpose(1, 2).flatten(2)))

    def _at_each(self, x: Tensor, index: Tensor, *, causal: bool) -> Tensor:
        normed, rows = self.norm_attention(x), torch.arange(len(x), device=x.device)
        query = split_heads(self.query(normed[rows, index][:, None]), self.heads)
        key, value = (split_heads(project(normed), self.heads) for project in (self.key, self.value))
        seen = torch.arange(x.shape[1], device=x.device) <= index[:, None] if causal else None  # (B, tokens)
        mask = None if seen is None else seen[:, None, None]
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        return self._feed(x[rows, index][:, None] + self.output(mixed.transpose(1, 2).flatten(2)))

    def value_only(self, x: Tensor) -> Tensor:
        """Map (B, tokens, width) as if every token attended to itself alone.

        The state of a patch then speaks of that patch (MaskCLIP, arXiv 2112.01071, section 3.2).
        """
        return self._feed(x + self.output(self.value(self.norm_attention(x))))

    def _feed(self, x: Tensor) -> Tensor:
        return x + self.mlp(self.norm_mlp(x))


@dataclass(frozen=True)
class DeepTokens:
    """Prompt tokens for the blocks of a tower after the first (MaPLe, arXiv 2210.03117, equations 2 and 5).

    Attributes:
        tokens: for the second block, the third and so on, each (B, M, width) or (1, M, width).
        start: place of the tokens that they replace.
    """

    tokens: Sequence[Tensor] = ()
    start: int = 1

    def enter(self, x: Tensor, block: int) -> Tensor:
        """Return the input (B, tokens, width) of a block, counted from 0, with the prompt tokens in it."""
        if not 1 <= block <= len(self.tokens):
            return x
        return put_tokens(x, self.tokens[block - 1], self.start)


@dataclass(frozen=True)
class Tower:
    """One of CLIP's transformers.

    Attributes:
        blocks: first to last.
        positions: (tokens, width) position embeddings.
        final_norm: comes after the last block.
        project: maps the tower's width to D.
    """

    blocks: Sequence[Block]
    positions: Tensor
    final_norm: Map
    project: Map

    def run(
        self, x: Tensor, keep: Collection[int], *, causal: bool = False, deep: DeepTokens = DeepTokens()
    ) -> dict[int, Tensor]:
        """Return what enters the block after `keep` blocks; 0 is the input `x` (B, tokens, width) itself."""
        states = {0: x} if 0 in keep else {}
        for depth, block in enumerate(self.blocks[: max(keep)], start=1):
            x = deep.enter(block(x, causal=causal), depth)
            if depth in keep:
                states[depth] = x
        return states

    def pool(
        self, x: Tensor, index: int | Tensor, *, causal: bool = False, deep: DeepTokens = DeepTokens()
    ) -> Tensor:
        """Return the projected final state (B, D) of one token, or one of each, for (B, tokens, width)."""
        last = len(self.blocks) - 1
        before = self.run(x, keep={last}, causal=causal, deep=deep)[last]
        return self.read(self.blocks[last].at(before, index, causal=causal)[:, 0])

    def read(self, x: Tensor) -> Tensor:
        """Map final states (..., width) to CLIP's joint space (..., D)."""
        return self.project(self.final_norm(x))


@dataclass(frozen=True)
class VisionTower(Tower):
    """CLIP's image tower.

    Attributes:
        class_token: (C,).
        patches: the convolution that embeds patches.
        first_norm: comes before the first block.
    """

    class_token: Tensor
    patches: nn.Module
    first_norm: Map

    def embed(self, pixels: Tensor, prompted: Tensor | None = None) -> Tensor:
        """Return the input (B, N + 1, C) of the first block for pixels (B, 3, H, W).

        Prompt tokens (M, C) come behind, without positions.
        """
        grid = self.patches(pixels)  # (B, C, h, w)
        height, width = grid.shape[-2:]
        patches = grid.flatten(2).transpose(1, 2)  # (B, N, C)
        first = self.class_token.expand(len(patches), 1, -1)
        tokens = torch.cat([first, patches], dim=1) + fit_positions(self.positions, height, width)
        if prompted is not None:
            tokens = put_tokens(tokens, prompted, start=tokens.shape[1])
        return self.first_norm(tokens)


def quick_gelu(x: Tensor) -> Tensor:
    """Return x sigmoid(1.702 x), OpenAI's GELU, as a SiLU: that is one pass, and keeps one tensor."""
    scaled = F.silu(x * QUICK, inplace=not torch.is_grad_enabled())
    return scaled.mul_(1 / QUICK)


def fit_positions(positions: Tensor, height: int, width: int) -> Tensor:
    """Resample position embeddings to another grid of patches, bicubically.

    Args:
        positions: (1 + n * n, C), the class token's first.
        height: rows of the wanted grid.
        width: columns of the wanted grid.

    Returns:
        (1 + height * width, C); `positions` itself when the grid is already that large.
    """
    side = round((len(positions) - 1) ** 0.5)
    if (height, width) == (side, side):
        return positions
    grid = positions[1:].T.reshape(-1, side, side)  # (C, n, n)
    resampled = F.interpolate(grid[None], (height, width), mode="bicubic", align_corners=False)[0]
    return torch.cat([positions[:1], resampled.flatten(1).T])


def split_heads(x: Tensor, heads: int) -> Tensor:
    """Return (B, tokens, width) as (B, heads, tokens, width / heads), as attention takes it."""
    batch, tokens, _ = x.shape
    return x.reshape(batch, tokens, heads, -1).transpose(1, 2)
