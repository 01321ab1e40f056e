"""The words of the class that a tagger hears, as audio tokens."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from avprompt.model.outputs import audio_tags
from avprompt.plugin import AudioEncoder, AudioProjection, Backbone, ConfigError, TrainedOptions


class ClassWordsProjection(AudioProjection):
    """The embedded words of the best class: (B, L, W) -> (B, K, E), K those of the longest label.

    Shorter labels are padded with the embedding of `<eos>`. Nothing is learned.
    """

    pads_tokens = True
    words: Tensor

    def __init__(self, config: TrainedOptions, audio_encoder: AudioEncoder, backbone: Backbone) -> None:
        super().__init__(config, audio_encoder, backbone)
        if not audio_encoder.labels:
            raise ConfigError(
                f"The projection class-words needs an audio encoder that names what it hears, and "
                f"{type(audio_encoder).__name__} has no labels with these options. Take the encoder set "
                "published or mini; or the audio encoder beats with a fine-tuned checkpoint that names its "
                "classes, and the last block among its layers."
            )
        self._tag = partial(audio_tags, audio_encoder)  # not a module of this one: it has its place
        words = _embedded(audio_encoder.labels, backbone)
        self.register_buffer("words", words, persistent=False)  # (n, K, E)

    def forward(self, frames: Tensor) -> Tensor:
        """Return the words of each sound's best class."""
        return self.words[self._tag(frames).argmax(1)]


def _embedded(labels: Sequence[str], backbone: Backbone) -> Tensor:
    """Return the embedded words (n, K, E) of labels.

    Raises:
        ConfigError: the vocabulary has no words for a label.
    """
    words, unknown = [], {}
    for label in labels:
        try:
            words.append(backbone.embed_text(label).detach())
        except ConfigError as error:
            unknown[label] = error
    if unknown:
        named = ", ".join(f"'{label}'" for label in [*unknown][:3]) + (", ..." if len(unknown) > 3 else "")
        raise ConfigError(
            f"{len(unknown)} of the {len(labels)} labels of the audio encoder cannot be said in the words of "
            f"{type(backbone).__name__}: {named}. Take both encoders of one set. "
            f"The first: {next(iter(unknown.values()))}"
        )
    _, end = backbone.special_token_embeddings()
    longest = max(len(label) for label in words)
    return torch.stack([torch.cat([label, end.detach().expand(longest - len(label), -1)]) for label in words])
