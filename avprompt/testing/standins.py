"""Stand-ins for what a part is built with: the right shapes, and no weights to download."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from avprompt.config.options import Options, TrainedOptions
from avprompt.model.grounding import resize_maps
from avprompt.model.parts import Backbone, Masker
from avprompt.records import ImageFeatures, Prompt


class StandInBackbone(Backbone):
    """A backbone without weights: random but fixed maps of the right shapes, deterministic by word."""

    image_size, patch_size = 32, 8
    vision_width, joint_width, text_width, layers = 12, 16, 8, 3
    mean, std = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)
    look: Tensor
    read: Tensor

    def __init__(self) -> None:
        super().__init__(Options())
        draw = torch.Generator().manual_seed(0)
        self.register_buffer("look", torch.randn(3, self.joint_width, generator=draw))
        self.register_buffer("read", torch.randn(self.text_width, self.joint_width, generator=draw))

    def encode_image(self, pixels: Tensor) -> ImageFeatures:
        """Average colours over patches and mix them."""
        patches = F.avg_pool2d(pixels, self.patch_size)  # (B, 3, h, w)
        dense = torch.einsum("bchw,cd->bdhw", patches, self.look)
        tokens = F.pad(dense.flatten(2).transpose(1, 2), (0, 0, 1, 0))[..., : self.vision_width]
        return ImageFeatures(self.pool_image(pixels), (tokens,) * self.layers, dense)

    def pool_image(self, pixels: Tensor) -> Tensor:
        """Mix the mean colour."""
        return pixels.mean((-2, -1)) @ self.look

    def embed_text(self, text: str) -> Tensor:
        """Draw an embedding for each word, the same for the same word."""
        return torch.stack([self._word(word) for word in text.split()])

    def special_token_embeddings(self) -> tuple[Tensor, Tensor]:
        """Draw `<sos>` and `<eos>`."""
        return self._word("<sos>"), self._word("<eos>")

    def encode_prompt(self, prompt: Prompt) -> Tensor:
        """Average the tokens up to the one read out, later ones weighing more, as order matters."""
        tokens = prompt.embeddings[:, : prompt.read_at + 1]
        weights = torch.arange(1, tokens.shape[1] + 1, dtype=tokens.dtype, device=tokens.device)
        return (tokens * weights[:, None]).mean(1) @ self.read

    def _word(self, word: str) -> Tensor:
        draw = torch.Generator().manual_seed(
            sum(ord(letter) * 31**k for k, letter in enumerate(word)) % 2**31
        )
        return torch.randn(self.text_width, generator=draw)


class StandInMasker(Masker):
    """A masker without parameters or draws: hard masks end where logits are 0, soft ones are sigmoids."""

    def __init__(self) -> None:
        super().__init__(TrainedOptions())

    def hard(self, logits: Tensor, noise: Tensor) -> Tensor:
        """Cut at 0, with the sigmoid's gradient."""
        del noise
        soft = logits.sigmoid()
        return (logits > 0).to(soft) + (soft - soft.detach())

    def feature(self, logits: Tensor, grid: tuple[int, int]) -> Tensor:
        """Resize, then take the sigmoid."""
        return resize_maps(logits, grid, "bilinear").sigmoid()

    def heatmap(self, logits: Tensor, size: tuple[int, int]) -> Tensor:
        """Resize, then take the sigmoid."""
        return resize_maps(logits, size, "bilinear").sigmoid()
