"""The network of CLIPSeg's mask decoder (Lueddecke and Ecker, arXiv 2112.10003, section 3).

Each extract layer of the image encoder is reduced to a few channels; three transformer blocks take
them from the deepest to the shallowest; a text feature modulates the map (FiLM) before one block; a
transposed convolution makes pixels of patches. State-dict names are those of transformers'
`CLIPSegDecoder`, so published weights load as they are.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from avprompt_clip.enlarge import enlarge, make_enlarge
from avprompt_clip.towers import split_heads


class Attention(nn.Module):
    """Multi-head self-attention over (N, tokens, width)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj = nn.Linear(width, width)
        self.k_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Attend from every token to every token."""
        projections = (self.q_proj, self.k_proj, self.v_proj)
        weight, bias = (torch.cat([getattr(p, name) for p in projections]) for name in ("weight", "bias"))
        joined = F.linear(x, weight, bias)  # one pass over the tokens for all three
        query, key, value = (split_heads(part, self.heads) for part in joined.chunk(3, dim=-1))
        mixed = F.scaled_dot_product_attention(query, key, value)
        return self.out_proj(mixed.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]


class Mlp(nn.Module):
    """Two linear maps with a ReLU between; CLIPSeg's decoder never uses CLIP's quick GELU."""

    def __init__(self, width: int, intermediate: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, intermediate)
        self.fc2 = nn.Linear(intermediate, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., width) to (..., width)."""
        return self.fc2(F.relu(self.fc1(x), inplace=True))  # type: ignore[no-any-return]


class Block(nn.Module):
    """A transformer block that normalises after each residual sum."""

    def __init__(self, width: int, heads: int, intermediate: int) -> None:
        super().__init__()
        self.self_attn = Attention(width, heads)
        self.layer_norm1 = nn.LayerNorm(width)
        self.mlp = Mlp(width, intermediate)
        self.layer_norm2 = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, tokens, width) to the same shape."""
        x = self.layer_norm1(x + self.self_attn(x))
        return self.layer_norm2(x + self.mlp(x))  # type: ignore[no-any-return]


class ClipSegNetwork(nn.Module):
    """CLIPSeg's decoder: hidden states of CLIP's image tower and a text feature to mask logits.

    Args:
        vision_width: C, channels of the hidden states.
        joint_width: D, channels of the text feature.
        layers: how many extract layers there are; as many blocks.
        patch_size: side of a patch in pixels, hence the enlargement.
        reduce_dim: R, channels inside.
        heads: attention heads of a block.
        intermediate: hidden width of a block's MLP.
        complex_transposed: enlarge in two steps after a convolution ("refined" checkpoints), or in one.
        conditional_layer: FiLM comes before this block, counted from the deepest extract layer.
    """

    def __init__(
        self,
        vision_width: int,
        joint_width: int,
        layers: int,
        patch_size: int,
        reduce_dim: int = 64,
        heads: int = 4,
        intermediate: int = 2048,
        complex_transposed: bool = True,
        conditional_layer: int = 0,
    ) -> None:
        super().__init__()
        self.conditional_layer, self.patch_size = conditional_layer, patch_size
        self.width, self.hidden = reduce_dim, intermediate
        self.film_mul = nn.Linear(joint_width, reduce_dim)
        self.film_add = nn.Linear(joint_width, reduce_dim)
        self.reduces = nn.ModuleList(nn.Linear(vision_width, reduce_dim) for _ in range(layers))
        self.layers = nn.ModuleList(Block(reduce_dim, heads, intermediate) for _ in range(layers))
        self.transposed_convolution = make_enlarge(reduce_dim, patch_size, in_two_steps=complex_transposed)

    def forward(self, hidden: tuple[Tensor, ...], text: Tensor) -> Tensor:
        """Decode one text for each image.

        Args:
            hidden: the extract layers in forward order, each (N, tokens, C), class token first.
            text: (N, D).

        Returns:
            (N, H, W) logits, H and W being the grid's sides times the patch size.
        """
        return self.decode(self.prepare(hidden), text)

    def prepare(self, hidden: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Reduce the extract layers, deepest first, to (N, tokens, R): all that no text changes."""
        deepest_first = hidden[::-1]
        return tuple(reduce(state) for reduce, state in zip(self.reduces, deepest_first, strict=True))

    def decode(self, reduced: tuple[Tensor, ...], text: Tensor) -> Tensor:
        """Decode `prepare`d maps (N, tokens, R), each with its text (N, D), to logits (N, H, W)."""
        x = reduced[0]
        for index, layer in enumerate(self.layers):
            x = x + reduced[index] if index else x
            if index == self.conditional_layer:
                x = torch.addcmul(self.film_add(text)[:, None], self.film_mul(text)[:, None], x)
            x = layer(x)
        patches = x[:, 1:]  # without the class token: (N, h * w, R)
        side = round(patches.shape[1] ** 0.5)
        grid = patches.transpose(1, 2).reshape(len(patches), -1, side, side)  # (N, R, h, w)
        return enlarge(self.transposed_convolution, grid)

    def kept(self, tokens: int) -> int:
        """Estimate how many numbers autograd keeps of one decoded pair of so many tokens."""
        pixels = (tokens - 1) * self.patch_size**2
        blocks = len(self.layers) * tokens * (10 * self.width + self.hidden)
        return blocks + tokens * 3 * self.width + pixels * 2

    def alive(self, tokens: int) -> int:
        """Estimate how many numbers are in memory at once while one pair is decoded without gradients."""
        return tokens * (8 * self.width + 2 * self.hidden)

    def widest(self, tokens: int) -> int:
        """Return how many numbers the largest tensor of one decoded pair has."""
        pixels = (tokens - 1) * self.patch_size**2
        return max(tokens * self.hidden, pixels)
