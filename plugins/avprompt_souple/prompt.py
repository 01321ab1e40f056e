"""SouPLe's prompt generator: a Meta-net that makes the context tokens from the image (arXiv 2603.22732)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from avprompt.plugin import (
    AudioFeatures,
    Backbone,
    ContextPrompt,
    ImageFeatures,
    LearnedContextOptions,
    initial_context,
    start_from,
)


class MetaNetOptions(LearnedContextOptions):
    """Options of the Meta-net.

    Attributes:
        condition: what it is fed with: the `image`, F_I; the `audio`, the mean of the audio tokens V_A; or
            their `sum`. The paper tried the sum, and does not say which audio feature it added.
        reduction: the hidden layer has D / `reduction` units; the paper's bottleneck is 16.
        normalise: divide each by its length first. The paper is silent.
    """

    condition: Literal["image", "audio", "sum"] = "image"
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
        self.listens = config.condition != "image"
        self.looks = config.condition != "audio"
        hidden = max(1, backbone.joint_width // config.reduction)
        self.reduce = nn.Linear(backbone.joint_width, hidden)
        self.expand = nn.Linear(hidden, config.context_tokens * backbone.text_width)
        self.widen: nn.Module = nn.Identity()
        if self.listens and backbone.text_width != backbone.joint_width:  # ours: E is D in the published CLIP
            self.widen = nn.Linear(backbone.text_width, backbone.joint_width, bias=False)
        if config.initialise == "words":
            start_from(initial_context(config, backbone), self.expand)

    def context(self, image: ImageFeatures) -> Tensor:
        """Return the context tokens (B, M, E)."""
        return self._tokens(self._normalised(image.pooled))

    def pair_context(self, audio: AudioFeatures, image: ImageFeatures) -> Tensor:
        """Return the context tokens (B, M, E) of B sounds, each with the image at its place."""
        heard = self._normalised(self.widen(audio.tokens.mean(1)))  # (B, D)
        return self._tokens(
            heard if self.config.condition == "audio" else heard + self._normalised(image.pooled)
        )

    def _normalised(self, features: Tensor) -> Tensor:
        return F.normalize(features, dim=-1) if self.config.normalise else features

    def _tokens(self, features: Tensor) -> Tensor:
        """Map (B, D) to (B, M, E)."""
        tokens: Tensor = self.expand(F.relu(self.reduce(features))).unflatten(-1, self.shape)
        return tokens
