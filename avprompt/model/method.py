"""A method at work: its parts, and the forward path from a batch to grounding or predictions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avprompt.distributed import Rows
from avprompt.model.grounding import Grounding, Noise, masked_mean
from avprompt.model.parts import (
    AlignmentLoss,
    AudioEncoder,
    AudioProjection,
    Backbone,
    Decoder,
    FrozenPart,
    Masker,
    PromptGenerator,
)
from avprompt.records import Batch, ImageFeatures, Prediction


class Method(nn.Module):
    """A composition of parts.

    Attributes:
        checksums: SHA-256 of every weight file that was read, by file name.
    """

    def __init__(
        self,
        backbone: Backbone,
        audio_encoder: AudioEncoder,
        projection: AudioProjection,
        prompt: PromptGenerator,
        decoder: Decoder,
        masker: Masker,
        losses: dict[str, AlignmentLoss],
    ) -> None:
        super().__init__()
        self.backbone, self.audio_encoder = backbone, audio_encoder
        self.projection, self.prompt, self.decoder, self.masker = projection, prompt, decoder, masker
        self.losses = nn.ModuleDict(losses)
        self.checksums: dict[str, str] = {}
        for part in self.parts().values():
            if isinstance(part, FrozenPart):
                part.freeze()
            elif not getattr(part.config, "trained", True):
                part.requires_grad_(False)

    def parts(self) -> dict[str, Any]:
        """Return the parts by their name in the composition, encoders first, then losses."""
        names = ("backbone", "audio_encoder", "projection", "prompt", "decoder", "masker")
        parts = {name: getattr(self, name) for name in names}
        return parts | {f"losses.{name}": loss for name, loss in self._losses().items()}

    def trained_parts(self) -> dict[str, nn.Module]:
        """Return the parts that have a parameter to train."""
        return {name: part for name, part in self.parts().items() if _trains(part)}

    def trainable_parameters(self) -> int:
        """Count the parameters that training changes."""
        return sum(parameter.numel() for parameter in _trainable(self))

    def train(self, mode: bool = True) -> Method:
        """Switch to training, except parts that are frozen: those stay in evaluation mode."""
        super().train(mode)
        for part in self.parts().values():
            if not _trains(part):
                part.eval()
        return self

    @torch.no_grad()
    def encode_image(self, pixels: Tensor) -> ImageFeatures:
        """Run the frozen image encoder."""
        return self.backbone.encode_image(pixels)

    @torch.no_grad()
    def encode_audio(self, waveform: Tensor) -> Tensor:
        """Run the frozen audio encoder: (B, T) -> frames (B, L, W)."""
        frames: Tensor = self.audio_encoder(waveform)
        return frames

    def read_pairs(self, frames: Tensor, image: ImageFeatures, rows: Rows | None = None) -> Tensor:
        """Return A[i, j] (b, B, D), the text feature of audio j as read for image i.

        Args:
            frames: (b, L, W) of the own sounds.
            image: of the own b images.
            rows: where both stand in the batch of all ranks, if there is more than one.
        """
        rows = rows or Rows((len(image),))
        tokens = self.projection(frames)
        if self.prompt.config.pairing == "own":
            text = rows.gather(self.backbone.encode_prompt(self.prompt(tokens, image)))
            return text.expand(len(image), -1, -1)
        prompt = self.prompt.pairs(rows.gather(tokens), image)
        text = self.backbone.encode_prompt(prompt)
        return text.reshape(len(image), -1, text.shape[-1])  # (b, B, D)

    def ground(self, batch: Batch, noise: Tensor | Noise = torch.rand_like) -> Grounding:
        """Ground every image of a batch in every audio of it, for training.

        Args:
            batch: B clips; image i belongs to audio i.
            noise: uniform draws (B, B, h, w) for hard masks, or what draws them.
        """
        image, frames = self.encode_image(batch.pixels), self.encode_audio(batch.waveform)
        return self.ground_features(batch.pixels, image, frames, noise)

    def ground_features(
        self,
        pixels: Tensor,
        image: ImageFeatures,
        frames: Tensor,
        noise: Tensor | Noise = torch.rand_like,
        rows: Rows | None = None,
    ) -> Grounding:
        """Ground images in audios that are encoded already.

        Args:
            pixels: (b, 3, H, W) normalised.
            image: features of these pixels.
            frames: (b, L, W) features of the sounds that belong to them.
            noise: uniform draws (b, B, h, w) for hard masks, or what draws them.
            rows: where they stand in a batch of B clips that is spread over ranks; b = B without.
        """
        rows = rows or Rows((len(pixels),))
        text = self.read_pairs(frames, image, rows)
        shared = self.prompt.config.pairing == "own"
        logits = self.decoder(image, text[0] if shared else text, pairs=True)
        pool = self._pooling(pixels.device.type)
        return Grounding(self.masker, pool, pixels, image, text, logits, noise, rows)

    def _pooling(self, device: str) -> Callable[[Tensor], Tensor]:
        """Return `pool_image` in the precision that holds now: losses, in float32, ask for it later."""
        mixed, dtype = torch.is_autocast_enabled(device), torch.get_autocast_dtype(device)

        def pool(pixels: Tensor) -> Tensor:
            with torch.autocast(device, dtype, enabled=mixed):
                return self.backbone.pool_image(pixels)

        return pool

    def loss_terms(self, grounding: Grounding) -> dict[str, Tensor]:
        """Return each loss times its weight, by name, and their sum as `total`."""
        weights = {name: loss.config.weight for name, loss in self._losses().items()}
        terms: dict[str, Tensor] = {
            name: weights[name] * loss(grounding) for name, loss in self._losses().items() if weights[name]
        }
        return terms | {"total": torch.stack(list(terms.values())).sum()}

    def _losses(self) -> dict[str, Any]:
        return dict(self.losses.items())

    def read(self, tokens: Tensor, image: ImageFeatures) -> Tensor:
        """Return the text features (B, D) of audio tokens (B, K, E), each read under its own image."""
        return self.backbone.encode_prompt(self.prompt(tokens, image))

    @torch.no_grad()
    def locate(self, image: ImageFeatures, text: Tensor, size: tuple[int, int]) -> Prediction:
        """Return heatmaps (B, *size) and confidences for text features (B, D).

        The confidence is the cosine of the text feature with the image's dense features under the
        feature mask, as in ACL-SSL.
        """
        logits = self.decoder(image, text).float()
        dense = image.dense.float()
        height, width = dense.shape[-2:]
        mask = self.masker.feature(logits, (height, width)).unsqueeze(1)
        feature = masked_mean(dense, mask).squeeze(1)
        confidence = F.cosine_similarity(feature, text.float(), dim=-1)
        return Prediction(self.masker.heatmap(logits, size), confidence)


def _trainable(part: nn.Module) -> Iterator[nn.Parameter]:
    return (parameter for parameter in part.parameters() if parameter.requires_grad)


def _trains(part: nn.Module) -> bool:
    return any(parameter.requires_grad for parameter in part.parameters())
