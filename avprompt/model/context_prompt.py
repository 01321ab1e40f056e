"""Prompts made of a context and audio tokens: `<sos> context [V_A] <eos>`.

A prompt generator that only differs in where its context comes from derives from `ContextPrompt`.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from avprompt.config.options import PromptOptions
from avprompt.model.outputs import broken, check_tensor
from avprompt.model.parts import Backbone, PromptGenerator
from avprompt.records import ImageFeatures, Prompt


class ContextPrompt(PromptGenerator):
    """A prompt generator given by its `context`; this class puts the sequence together."""

    start: Tensor
    end: Tensor

    def __init__(self, config: PromptOptions, backbone: Backbone) -> None:
        super().__init__(config)
        start, end = backbone.special_token_embeddings()
        self.register_buffer("start", start.detach().clone(), persistent=False)
        self.register_buffer("end", end.detach().clone(), persistent=False)

    @abstractmethod
    def context(self, image: ImageFeatures) -> Tensor:
        """Return the context tokens: (B, M, E), or (1, M, E) when all images share them."""

    def forward(self, audio_tokens: Tensor, image: ImageFeatures) -> Prompt:
        """Make one prompt for each pair of audio tokens (B, K, E) and image."""
        return self._arrange(self._checked_context(image), audio_tokens)

    def pairs(self, audio_tokens: Tensor, image: ImageFeatures) -> Prompt:
        """Make the prompts of every image with every audio, the context computed once for each image."""
        context = self._checked_context(image).expand(len(image), -1, -1)
        return self._arrange(
            context.repeat_interleave(len(audio_tokens), 0),
            audio_tokens.repeat(len(image), 1, 1),
        )

    def _checked_context(self, image: ImageFeatures) -> Tensor:
        """Return the context tokens if they are what `context` promises; raises `PluginError`."""
        width = self.start.shape[-1]
        context = check_tensor(self, "context", self.context(image), image.pooled, "B M E", E=width)
        if len(context) not in (1, len(image)):
            raise broken(
                self, "context", f"a context for each of {len(image)} images or for all", f"{len(context)}"
            )
        return context

    def _arrange(self, context: Tensor, audio_tokens: Tensor) -> Prompt:
        batch = len(audio_tokens)
        middle = [context.expand(batch, -1, -1), audio_tokens]
        if self.config.audio_token == "first":
            middle.reverse()
        sequence = [self._token(self.start, batch), *middle, self._token(self.end, batch)]
        embeddings = torch.cat([part.to(audio_tokens.dtype) for part in sequence], dim=1)  # (B, S, E)
        return Prompt(embeddings, read_at=embeddings.shape[1] - 1)

    @staticmethod
    def _token(embedding: Tensor, batch: int) -> Tensor:
        return embedding.expand(batch, 1, -1)


class LearnedContextOptions(PromptOptions):
    """Options of prompts whose context is learned.

    Attributes:
        context_tokens: M.
        initialise: start from the embeddings of `words`, or from `random` ones, normal(0, 0.02).
        words: what the context starts from; fewer words than tokens are repeated, more are cut off.
    """

    context_tokens: int = Field(default=4, ge=1)
    initialise: Literal["words", "random"] = "words"
    words: str = "a photo of a"


def initial_context(config: LearnedContextOptions, backbone: Backbone) -> Tensor:
    """Return the tokens (M, E) that a learned context starts from."""
    if config.initialise == "random":
        return torch.randn(config.context_tokens, backbone.text_width) * 0.02
    words = backbone.embed_text(config.words).detach()
    repeats = -(-config.context_tokens // len(words))
    return words.repeat(repeats, 1)[: config.context_tokens].clone()
