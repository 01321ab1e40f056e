"""ACL-SSL's prompt: fixed words, then the audio token (arXiv 2311.04066)."""

from __future__ import annotations

from torch import Tensor

from avprompt.plugin import Backbone, ContextPrompt, ImageFeatures, PromptOptions


class FixedOptions(PromptOptions):
    """Options of the fixed prompt; `words` are any that the tokenizer knows."""

    words: str = "a photo of"


class FixedPrompt(ContextPrompt):
    """The same words for every image: nothing to learn."""

    Config = FixedOptions
    looks = False
    words: Tensor

    def __init__(self, config: FixedOptions, backbone: Backbone) -> None:
        super().__init__(config, backbone)
        self.register_buffer("words", backbone.embed_text(config.words).detach().clone(), persistent=False)

    def context(self, image: ImageFeatures) -> Tensor:
        """Return the embedded words (1, M, E)."""
        del image
        return self.words.unsqueeze(0)
