"""The causal text tower of the miniature CLIP; it takes embeddings, so a prompt need not be words."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from avprompt.plugin import put_tokens
from avprompt_mini.layers import Block


class TextTower(nn.Module):
    """Reads a sequence of input embeddings.

    Args:
        words: size of the vocabulary.
        positions: longest sequence, `<sos>` and `<eos>` counted.
        width: E.
        joint_width: D.
        blocks: transformer blocks.
        heads: attention heads.
    """

    def __init__(
        self, words: int, positions: int, width: int, joint_width: int, blocks: int, heads: int
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, width)
        nn.init.normal_(self.embedding.weight, std=0.3)
        self.positions = nn.Parameter(torch.randn(positions, width) * 0.1)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(blocks))
        self.norm = nn.LayerNorm(width)
        self.project = nn.Linear(width, joint_width, bias=False)

    def forward(self, embeddings: Tensor, read_at: Tensor, deep: Sequence[Tensor] = ()) -> Tensor:
        """Read (B, S, E) and return the projected state (B, D) at the tokens `read_at` (B,).

        Prompt tokens `deep`, each (B, M, E) or (1, M, E), stand behind `<sos>` from the second block on.
        """
        x = embeddings + self.positions[: embeddings.shape[1]]
        for depth, block in enumerate(self.blocks):
            if 1 <= depth <= len(deep):
                x = put_tokens(x, deep[depth - 1], start=1)
            x = block(x, causal=True)
        rows = torch.arange(len(x), device=x.device)
        return self.project(self.norm(x[rows, read_at]))  # type: ignore[no-any-return]
