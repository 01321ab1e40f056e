"""Prompts made of a context and audio tokens: `<sos> context [V_A] <eos>`, or V_A elsewhere in it.

A prompt generator that only differs in where its context comes from derives from `ContextPrompt`.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Literal

import torch
from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from torch import Tensor, nn

from avprompt.config.options import PromptOptions
from avprompt.errors import ConfigError
from avprompt.model.outputs import broken, check_tensor
from avprompt.model.parts import Backbone
from avprompt.model.prompt_generator import PromptGenerator
from avprompt.records import AudioFeatures, ImageFeatures, Prompt


class ContextPrompt(PromptGenerator):
    """A prompt generator given by its `context`; this class puts the sequence together.

    Attributes:
        listens: the context depends on the sound as well, and `pair_context` makes it.
    """

    listens: bool = False
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

    def pair_context(self, audio: AudioFeatures, image: ImageFeatures) -> Tensor:
        """Return the context tokens (B, M, E) of B sounds, each with the image at its place."""
        del audio
        return self.context(image)

    def deep_context(self) -> tuple[Tensor, ...]:
        """Return what replaces the context in the layers of the text tower after the first, each (M, E)."""
        return ()

    def forward(self, audio: AudioFeatures, image: ImageFeatures) -> Prompt:
        """Make a prompt of each of B sounds with the image at its place."""
        context = self.pair_context(audio, image) if self.listens else self.context(image)
        return self.with_context(audio, self._checked(context, image))

    def pairs(self, audio: AudioFeatures, image: ImageFeatures) -> Prompt:
        """Make the prompts of every image with every sound, the context once for each image if it can be."""
        if self.listens:
            return super().pairs(audio, image)
        context = self._checked(self.context(image), image).expand(len(image), -1, -1)
        sounds = AudioFeatures(audio.tokens.repeat(len(image), 1, 1))
        return self.with_context(sounds, context.repeat_interleave(len(audio), 0))

    def image_context(self, image: ImageFeatures) -> Tensor | None:
        """Return the context tokens (B, M, E) of B images; None where it `listens`."""
        if self.listens:
            return None
        return self._checked(self.context(image), image).expand(len(image), -1, -1)

    def with_context(self, audio: AudioFeatures, context: Tensor) -> Prompt:
        """Make a prompt of each of B sounds with context tokens (B, M, E), or (1, M, E) for all."""
        return self._arrange(context, audio.tokens)

    def _checked(self, context: Tensor, image: ImageFeatures) -> Tensor:
        """Return context tokens if they are what is promised; raises `PluginError`."""
        method, width = "pair_context" if self.listens else "context", self.start.shape[-1]
        context = check_tensor(self, method, context, image.pooled, "B M E", E=width)
        if len(context) not in (1, len(image)):
            raise broken(
                self, method, f"a context for each of {len(image)} images or for all", f"{len(context)}"
            )
        return context

    def _arrange(self, context: Tensor, audio_tokens: Tensor) -> Prompt:
        batch = len(audio_tokens)
        ends = self._token(self.start, batch), self._token(self.end, batch)
        sequences = [
            torch.cat([part.to(audio_tokens.dtype) for part in (ends[0], *middle, ends[1])], dim=1)
            for middle in self._middles(context.expand(batch, -1, -1), audio_tokens)
        ]  # each (B, S, E)
        deep = tuple(tokens.unsqueeze(0) for tokens in self.deep_context())
        if deep and self.config.audio_token != "last":
            raise ConfigError(
                f"prompt.audio_token must be last, not {self.config.audio_token}: this prompt generator has "
                "tokens for the inner layers of the text tower, which take the places behind <sos>."
            )
        count, read_at = len(sequences), sequences[0].shape[1] - 1
        embeddings = sequences[0] if count == 1 else torch.stack(sequences, 1).flatten(0, 1)
        return Prompt(embeddings, read_at, deep, count)

    def _middles(self, context: Tensor, audio_tokens: Tensor) -> list[tuple[Tensor, ...]]:
        """Return what stands between `<sos>` and `<eos>`, for each position of the audio tokens."""
        position, count = self.config.audio_token, context.shape[1]
        if position == "last":
            return [(context, audio_tokens)]
        if position == "first":
            return [(audio_tokens, context)]
        places = range(count + 1) if position == "all" else [position]
        if places[-1] > count:
            raise ConfigError(
                f"prompt.audio_token = {position}, but the context has {count} tokens: use 0 to {count}, "
                "first, last or all."
            )
        return [(context[:, :place], audio_tokens, context[:, place:]) for place in places]

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

    context_tokens: int = Field(default=4, ge=1, validate_default=True)
    initialise: Literal["words", "random"] = "words"
    words: str = "a photo of a"

    @field_validator("context_tokens")
    @classmethod
    def _holds_the_audio_token(cls, value: int, info: ValidationInfo) -> int:
        position = info.data.get("audio_token")
        if isinstance(position, int) and position > value:
            text = "Input should be at least prompt.audio_token = {position}, which says how many come before"
            raise PydanticCustomError("position", text, {"position": position})
        return value

    @field_validator("words")
    @classmethod
    def _says_something(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("initialise") == "words" and not value.strip():
            raise PydanticCustomError("words", "Input should be words, or prompt.initialise random")
        return value


@torch.no_grad()
def start_from(tokens: Tensor, layer: nn.Linear) -> None:
    """Let a layer begin with tokens (M, E) in its bias (M * E,) and next to nothing in its weight."""
    nn.init.normal_(layer.weight, std=1e-3)
    layer.bias.copy_(tokens.flatten())


def initial_context(config: LearnedContextOptions, backbone: Backbone) -> Tensor:
    """Return the tokens (M, E) that a learned context starts from."""
    if config.initialise == "random":
        return torch.randn(config.context_tokens, backbone.text_width) * 0.02
    words = backbone.embed_text(config.words).detach()
    repeats = -(-config.context_tokens // len(words))
    return words.repeat(repeats, 1)[: config.context_tokens].clone()
