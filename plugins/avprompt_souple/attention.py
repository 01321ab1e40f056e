"""A richer Meta-net: learned queries that attend to the patches of the image.

Ours: SouPLe's paper (arXiv 2603.22732) names a richer Meta-net, by cross-attention, as future work.
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from avprompt.plugin import (
    Backbone,
    ContextPrompt,
    ImageFeatures,
    LearnedContextOptions,
    initial_context,
    start_from,
)


class AttentionOptions(LearnedContextOptions):
    """Options of the attending Meta-net.

    Attributes:
        reduction: keys and values are D / `reduction` wide. 18 gives about as many parameters as SouPLe's
            bottleneck of 16, which has no keys.
        heads: of the attention; each has an equal share of the width, one unit at least.
        normalise: bring each patch to mean 0 and deviation 1 first, so that scores do not depend on the
            scale of the backbone's features.
    """

    reduction: int = Field(default=18, ge=1)
    heads: int = Field(default=2, ge=1)
    normalise: bool = True


class AttentionPrompt(ContextPrompt):
    """[V_m] = Linear_m(GELU(attention(q_m, K(v^D), V(v^D)))): each context token has a query of its own.

    SouPLe's Meta-net sees one vector, F_I; here every token gathers what it needs from the dense features.
    Neither text nor sound is attended to. No positions are added to the patches: the context says what is in
    the image, not where, and images may have any grid. The blocks of CLIP below have seen positions, and
    what they left of them in the features stays.

    With `words` the last layers start near zero and their biases hold the words' embeddings, as in the
    Meta-net, so training starts from ACL-SSL's prompt with the same parameters.
    """

    Config = AttentionOptions

    def __init__(self, config: AttentionOptions, backbone: Backbone) -> None:
        super().__init__(config, backbone)
        joint, tokens = backbone.joint_width, config.context_tokens
        head = max(1, joint // (config.reduction * config.heads))
        width = config.heads * head
        self.queries = nn.Parameter(torch.randn(config.heads, tokens, head))
        self.keys = nn.Linear(joint, width, bias=False)  # the softmax would take a bias out again
        self.values = nn.Linear(joint, width)
        self.expand = nn.Linear(width, tokens * backbone.text_width)  # a layer for each token, side by side
        if config.initialise == "words":
            start_from(initial_context(config, backbone), self.expand)

    def context(self, image: ImageFeatures) -> Tensor:
        """Return the context tokens (B, M, E)."""
        attended = F.gelu(self._attend(image.dense.flatten(2).transpose(1, 2)))
        shape = (self.config.context_tokens, -1)
        weight, bias = self.expand.weight.unflatten(0, shape), self.expand.bias.unflatten(0, shape)
        tokens: Tensor = torch.einsum("bmw,mew->bme", attended, weight) + bias
        return tokens

    def _attend(self, patches: Tensor) -> Tensor:
        """Return what each query gathers (B, M, width) of the patches (B, N, D)."""
        if self.config.normalise:
            patches = F.layer_norm(patches, patches.shape[-1:])
        keys, values = (self._split_heads(project(patches)) for project in (self.keys, self.values))
        queries = self.queries.expand(len(patches), -1, -1, -1)
        gathered = F.scaled_dot_product_attention(queries, keys, values)  # (B, heads, M, head)
        return gathered.transpose(1, 2).flatten(2)

    def _split_heads(self, x: Tensor) -> Tensor:
        heads: Tensor = x.unflatten(-1, (self.config.heads, -1)).transpose(1, 2)
        return heads  # (B, heads, N, head)
