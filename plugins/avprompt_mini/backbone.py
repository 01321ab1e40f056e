"""The miniature CLIP as a backbone."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from avprompt.plugin import Backbone, ConfigError, DecoderCheckpoint, ImageFeatures, Options, Prompt
from avprompt_mini import model
from avprompt_mini.vocabulary import EOS, SOS, encode
from avprompt_mini.weights import read_weights


class MiniBackbone(Backbone):
    """A CLIP of 0.9 million parameters that knows the toy world: 96 pixels, an 8 x 8 grid.

    Pretrained on toy scenes by `avprompt_mini.pretrain`; tests, demos and teaching are what it is for.
    """

    image_size = model.IMAGE_SIZE
    patch_size = model.PATCH_SIZE
    vision_width = model.WIDTH
    joint_width = model.JOINT_WIDTH
    text_width = model.WIDTH
    layers = len(model.EXTRACT)
    mean = model.MEAN
    std = model.STD

    def __init__(self, config: Options | None = None) -> None:
        super().__init__(config or Options())
        self.clip = model.MiniClip()
        self.prompted_image_layers = len(self.clip.image.blocks)
        self.prompted_text_layers = len(self.clip.text.blocks)

    def load_weights(self) -> dict[str, str]:
        """Read the weights in the package; see `FrozenPart.load_weights`."""
        tensors, digest = read_weights("clip.safetensors")
        self.clip.load_state_dict(tensors)
        return {"clip.safetensors": digest}

    def encode_image(self, pixels: Tensor, visual: Sequence[Tensor] = ()) -> ImageFeatures:
        """Encode normalised pixels (B, 3, 96, 96) in one pass, with prompt tokens in the first layers."""
        return ImageFeatures(*self.clip.image(pixels, visual))

    def pool_image(self, pixels: Tensor, visual: Sequence[Tensor] = ()) -> Tensor:
        """Return the projected class token (B, D), with gradient to pixels and prompt tokens."""
        return self.clip.image.pool(pixels, visual)

    def embed_text(self, text: str) -> Tensor:
        """Return the input embeddings (S, E) of the words, without `<sos>` and `<eos>`.

        Raises:
            ConfigError: a word is not in the small vocabulary.
        """
        return self._embed(encode(text))

    def special_token_embeddings(self) -> tuple[Tensor, Tensor]:
        """Return the input embeddings of `<sos>` and `<eos>`, each (E,)."""
        start, end = self._embed(encode(f"{SOS} {EOS}"))
        return start, end

    def encode_prompt(self, prompt: Prompt) -> Tensor:
        """Return the projected text features (B, D), with gradient to the embeddings.

        Raises:
            ConfigError: the prompt has more tokens than the text tower has positions.
        """
        count, length, _ = prompt.embeddings.shape
        if length > model.POSITIONS:
            raise ConfigError(
                f"The mini text encoder reads at most {model.POSITIONS} tokens, <sos> and <eos> counted; "
                f"the prompt has {length}. Use fewer context tokens or audio tokens."
            )
        read_at = prompt.read_at
        if isinstance(read_at, int):
            read_at = torch.full((count,), read_at, device=prompt.embeddings.device)
        return self.clip.text(prompt.embeddings, read_at, prompt.deep_text)  # type: ignore[no-any-return]

    def decoder_checkpoint(self) -> DecoderCheckpoint:
        """Return the CLIPSeg decoder that was pretrained jointly with both towers."""
        return DecoderCheckpoint(model.DECODER, lambda: read_weights("decoder.safetensors")[0])

    def _embed(self, numbers: list[int]) -> Tensor:
        table = self.clip.text.embedding.weight
        return table[torch.tensor(numbers, dtype=torch.long, device=table.device)]
