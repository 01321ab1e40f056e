"""SouPLe's prompt generator: a Meta-net that makes the context tokens from the image (arXiv 2603.22732)."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from avprompt.plugin import Backbone, ContextPrompt, ImageFeatures, LearnedContextOptions, initial_context


class MetaNetOptions(LearnedContextOptions):
    """Options of the Meta-net.

    Attributes:
        reduction: the hidden layer has D / `reduction` units; the paper's bottleneck is 16.
        normalise: divide F_I by its length first. The paper is silent.
    """

    reduction: int = Field(default=16, ge=1)
    normalise: bool = True


class MetaNetPrompt(ContextPrompt):
    """[V_1]..[V_M] = Linear-ReLU-Linear(F_I), D -> D/16 -> M x E.

    The paper gives no initialisation. With `words` the last layer starts near zero and its bias holds the
    words' embeddings, so training starts from ACL-SSL's prompt with the same parameters.
    """

    Config = MetaNetOptions

    def __init__(self, config: MetaNetOptions, backbone: Backbone) -> None:
        super().__init__(config, backbone)
        self.shape = (config.context_tokens, backbone.text_width)
        hidden = max(1, backbone.joint_width // config.reduction)
        self.reduce = nn.Linear(backbone.joint_width, hidden)
        self.expand = nn.Linear(hidden, config.context_tokens * backbone.text_width)
        if config.initialise == "words":
            self._start_from(initial_context(config, backbone))

    @torch.no_grad()
    def _start_from(self, words: Tensor) -> None:
        nn.init.normal_(self.expand.weight, std=1e-3)
        self.expand.bias.copy_(words.flatten())

    def context(self, image: ImageFeatures) -> Tensor:
        """Return the context tokens (B, M, E)."""
        pooled = F.normalize(image.pooled, dim=-1) if self.config.normalise else image.pooled
        tokens: Tensor = self.expand(F.relu(self.reduce(pooled))).unflatten(-1, self.shape)
        return tokens  # (B, M, E)
