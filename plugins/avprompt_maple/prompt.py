"""MaPLe (arXiv 2210.03117) as a prompt generator for audio tokens: prompts in both towers, coupled."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from avprompt.plugin import (
    Backbone,
    ConfigError,
    ContextPrompt,
    ImageFeatures,
    LearnedContextOptions,
    initial_context,
)


class MaPLeOptions(LearnedContextOptions):
    """Options of MaPLe.

    Attributes:
        depth: J, how many layers of each tower have tokens of their own, the first counted.
    """

    context_tokens: int = Field(default=2, ge=1, validate_default=True)
    depth: int = Field(default=9, ge=1)


class MaPLePrompt(ContextPrompt):
    """M tokens P_k for each of the first J layers of the text tower, F_k(P_k) for those of the image tower.

    The tokens of the first text layer are the context; in their place each layer that follows is given tokens
    of its own (section 3.2). The coupling functions F_k are linear maps, so what one tower learns moves the
    tokens of both.
    """

    Config = MaPLeOptions
    looks = False  # the image tower is prompted, not asked

    def __init__(self, config: MaPLeOptions, backbone: Backbone) -> None:
        super().__init__(config, backbone)
        if config.audio_token != "last" and config.depth > 1:
            raise ConfigError(
                f"prompt.audio_token is {config.audio_token}, but tokens of deeper layers take the places "
                "behind <sos>: leave it last, or set prompt.depth=1."
            )
        self.prompted_image_layers = self.prompted_text_layers = config.depth
        words = initial_context(config, backbone)
        deeper = [torch.randn_like(words) * 0.02 for _ in range(config.depth - 1)]
        self.tokens = nn.ParameterList([words, *deeper])
        self.coupling = nn.ModuleList(
            nn.Linear(backbone.text_width, backbone.vision_width) for _ in range(config.depth)
        )

    def context(self, image: ImageFeatures) -> Tensor:
        """Return the tokens (1, M, E) of the first text layer."""
        del image
        first: Tensor = self.tokens[0]
        return first.unsqueeze(0)

    def deep_context(self) -> tuple[Tensor, ...]:
        """Return the tokens of each later text layer, each (M, E)."""
        return tuple(self.tokens)[1:]

    def visual(self) -> tuple[Tensor, ...]:
        """Return the tokens of each image layer, each (M, C)."""
        return tuple(couple(tokens) for couple, tokens in zip(self.coupling, self.tokens, strict=True))
