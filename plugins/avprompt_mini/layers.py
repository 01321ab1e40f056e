"""The transformer block that both towers of the miniature CLIP are made of."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class Block(nn.Module):
    """A block that normalises before attention and before the MLP.

    Queries and keys are normalised too, which keeps training at a high rate stable (arXiv 2302.05442).
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_attention = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)
        self.norm_mlp = nn.LayerNorm(width)
        self.expand = nn.Linear(width, 4 * width)
        self.contract = nn.Linear(4 * width, width)

    def forward(self, x: Tensor, *, causal: bool = False) -> Tensor:
        """Map (B, S, width) to the same shape."""
        projected = self.query_key_value(self.norm_attention(x)).unflatten(-1, (3, self.heads, -1))
        query, key, value = projected.permute(2, 0, 3, 1, 4)  # each (B, heads, S, width / heads)
        query, key = (F.layer_norm(heads, heads.shape[-1:]) for heads in (query, key))
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=causal)
        return self._mlp(x + self.output(mixed.transpose(1, 2).flatten(2)))

    def value_only(self, x: Tensor) -> Tensor:
        """Let every token attend to itself alone, so that patches keep their own content."""
        value = self.query_key_value(self.norm_attention(x)).chunk(3, dim=-1)[2]
        return self._mlp(x + self.output(value))

    def _mlp(self, x: Tensor) -> Tensor:
        return x + self.contract(F.gelu(self.expand(self.norm_mlp(x))))  # type: ignore[no-any-return]
