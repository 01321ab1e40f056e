"""Fixed words, then those of a class, as one would write them."""

from __future__ import annotations

from torch import Tensor

from avprompt.plugin import AudioFeatures, Backbone, ContextPrompt, ImageFeatures, Prompt, PromptOptions


class ClassWordsOptions(PromptOptions):
    """Options of the words around a class; `words` are any that the tokenizer knows."""

    words: str = "a photo of a"


class ClassWordsPrompt(ContextPrompt):
    """`<sos> a photo of a striped circle <eos>`, read at the `<eos>` of each label's own length.

    The text tower looks back only, so the text feature is that of the plain text: what a shorter label is
    padded with, `<eos>` again, stands behind the token that is read.
    """

    Config = ClassWordsOptions
    looks = False
    takes_padding = True
    words: Tensor

    def __init__(self, config: ClassWordsOptions, backbone: Backbone) -> None:
        super().__init__(config, backbone)
        self.register_buffer("words", backbone.embed_text(config.words).detach().clone(), persistent=False)

    def context(self, image: ImageFeatures) -> Tensor:
        """Return the embedded words (1, M, E)."""
        del image
        return self.words.unsqueeze(0)

    def with_context(self, audio: AudioFeatures, context: Tensor) -> Prompt:
        """Make a prompt of each of B sounds with words (B, M, E), or (1, M, E) for all."""
        return self._without_gaps(super().with_context(audio, context))

    def _without_gaps(self, prompt: Prompt) -> Prompt:
        """Move every `<eos>` to the end of its sequence, and read each at its first one."""
        embeddings = prompt.embeddings
        ends = (embeddings == self.end.to(embeddings.dtype)).all(-1)  # (B, S)
        order = ends.int().argsort(dim=1, stable=True)
        moved = embeddings.gather(1, order.unsqueeze(-1).expand_as(embeddings))
        return Prompt(moved, (~ends).sum(1), readings=prompt.readings)
