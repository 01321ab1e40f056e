"""Self-attention with BEATs' gated relative position bias (WavLM, arXiv 2110.13900, section 4.1)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avprompt_beats.architecture import BeatsArchitecture


def relative_buckets(length: int, buckets: int, max_distance: int, device: torch.device) -> Tensor:
    """Sort the offsets between key and query into buckets, as T5 does (arXiv 1910.10683, section 2.1).

    Half of the buckets is for keys that come later. In each half the nearer offsets have a bucket of
    their own and the farther ones share buckets that widen logarithmically up to `max_distance`.

    Returns:
        (2 * length - 1,) bucket of the offsets 1 - length .. length - 1.
    """
    offsets = torch.arange(1 - length, length, device=device)
    half = buckets // 2
    exact = half // 2
    distance = offsets.abs()
    scale = (half - exact) / math.log(max_distance / exact)
    far = exact + (torch.log(distance.clamp_min(1) / exact) * scale).long()
    near_or_far = torch.where(distance < exact, distance, far.clamp_max(half - 1))
    return near_or_far + half * (offsets > 0)


class RelativeAttention(nn.Module):
    """Multi-head attention to which every query adds its share of a common position bias.

    The published code divides the queries by 32, subtracts each row's maximum and multiplies by 32
    again, to keep half-precision logits in range. Softmax does not see such a shift, and the fused
    kernels make it themselves, so it is left to them.
    """

    def __init__(self, arch: BeatsArchitecture, positions: nn.Embedding | None) -> None:
        super().__init__()
        width, self.heads = arch.encoder_embed_dim, arch.encoder_attention_heads
        if arch.gru_rel_pos:
            self.grep_a = nn.Parameter(torch.ones(1, self.heads, 1, 1))
        self.k_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width)
        self.q_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)
        if arch.gru_rel_pos:
            self.grep_linear = nn.Linear(width // self.heads, 8)
        if positions is not None:
            self.relative_attention_bias = positions  # shared by all layers
        self.gated = arch.gru_rel_pos

    def forward(self, x: Tensor, bias: Tensor | None) -> Tensor:
        """Attend within (B, L, W); `bias` (H, L, L) is added to the logits, gated by the queries."""
        query, key, value = (self._split(proj(x)) for proj in (self.q_proj, self.k_proj, self.v_proj))
        if bias is not None:
            bias = self._gate(query) * bias if self.gated else bias[None]  # (B or 1, H, L, L)
            bias = bias.to(query.dtype)
        y = F.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        mixed: Tensor = self.out_proj(y.transpose(1, 2).flatten(2))  # (B, L, W)
        return mixed

    def _split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], self.heads, -1).transpose(1, 2)  # (B, H, L, W / H)

    def _gate(self, query: Tensor) -> Tensor:
        """Return (B, H, L, 1), how strongly each query heeds positions.

        With the two sums of the linear map's outputs, u and v, it is s(u) (s(v) a - 1) + 2.
        """
        eight: Tensor = self.grep_linear(query)  # (B, H, L, 8)
        update, reset = (half.sum(-1, keepdim=True).sigmoid() for half in eight.chunk(2, dim=-1))
        return update * (reset * self.grep_a - 1) + 2
