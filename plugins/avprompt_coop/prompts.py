"""CoOp (arXiv 2109.01134) and CoCoOp (arXiv 2203.05557) as prompt generators for audio tokens."""

from __future__ import annotations

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from avprompt.plugin import (
    Backbone,
    ConfigError,
    ContextPrompt,
    ImageFeatures,
    LearnedContextOptions,
    initial_context,
)


class CoOpPrompt(ContextPrompt):
    """M context vectors, learned, shared by all inputs (CoOp, equation 2).

    Those that start from words are as many as the words, as in the published code.
    """

    Config = LearnedContextOptions
    looks = False

    def __init__(self, config: LearnedContextOptions, backbone: Backbone) -> None:
        super().__init__(config, backbone)
        if config.initialise == "words":
            _check_count(config, len(backbone.embed_text(config.words)))
        self.vectors = nn.Parameter(initial_context(config, backbone))

    def context(self, image: ImageFeatures) -> Tensor:
        """Return the vectors (1, M, E)."""
        del image
        return self.vectors.unsqueeze(0)


def _check_count(config: LearnedContextOptions, words: int) -> None:
    if words != config.context_tokens:
        raise ConfigError(
            f"prompt.context_tokens is {config.context_tokens}, but '{config.words}' has {words} tokens, and "
            "CoOp's context has as many as the words that it starts from. "
            f"Set prompt.context_tokens={words}, or other prompt.words, or prompt.initialise=random."
        )


class CoCoOpOptions(LearnedContextOptions):
    """Options of CoCoOp; its meta-net is D -> D / `reduction` -> E."""

    reduction: int = Field(default=16, ge=1)


class CoCoOpPrompt(CoOpPrompt):
    """CoOp's vectors, each shifted by pi = Linear-ReLU-Linear(F_I / |F_I|) (CoCoOp, equation 4).

    The equation has F_I as it is; the published code divides it by its length.
    """

    Config = CoCoOpOptions
    looks = True

    def __init__(self, config: CoCoOpOptions, backbone: Backbone) -> None:
        super().__init__(config, backbone)
        hidden = max(1, backbone.joint_width // config.reduction)
        self.meta_net = nn.Sequential(
            nn.Linear(backbone.joint_width, hidden), nn.ReLU(), nn.Linear(hidden, backbone.text_width)
        )

    def context(self, image: ImageFeatures) -> Tensor:
        """Return the shifted vectors (B, M, E)."""
        shift: Tensor = self.meta_net(F.normalize(image.pooled, dim=-1))  # (B, E)
        return self.vectors + shift.unsqueeze(1)
