"""A method at work: its parts, and the forward path from features to grounding or predictions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avprompt.distributed import Rows
from avprompt.errors import ConfigError
from avprompt.model.grounding import Grounding, Noise, masked_mean
from avprompt.model.outputs import (
    audio_frames,
    audio_tokens,
    check_count,
    check_tensor,
    feature_masks,
    heatmaps,
    image_features,
    mask_logits,
    pooled_image,
    text_features,
    visual_tokens,
)
from avprompt.model.parts import (
    AlignmentLoss,
    AudioEncoder,
    AudioProjection,
    Backbone,
    Decoder,
    FrozenPart,
    Masker,
)
from avprompt.model.prompt_generator import PromptGenerator
from avprompt.promises import describe
from avprompt.records import AudioFeatures, ImageFeatures, Prediction, Prompt


class Method(nn.Module):
    """A method's parts, and the paths through them: `forward` in training, `read` and `locate` after it.

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
        _check_prompted_layers(prompt, backbone)
        _check_padding(projection, prompt)
        self.backbone, self.audio_encoder = backbone, audio_encoder
        self.projection, self.prompt, self.decoder, self.masker = projection, prompt, decoder, masker
        self.losses = nn.ModuleDict(losses)
        self.checksums: dict[str, str] = {}
        for part in self.parts().values():
            if isinstance(part, FrozenPart):
                part.freeze()
            elif not getattr(part.config, "trained", True) or _left_out(part):
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
        return sum(parameter.numel() for parameter in self.parameters() if parameter.requires_grad)

    def train(self, mode: bool = True) -> Method:
        """Switch to training, except parts that are frozen: those stay in evaluation mode."""
        super().train(mode)
        for part in self.parts().values():
            if not _trains(part):
                part.eval()
        return self

    @property
    def prompts_images(self) -> bool:
        """Whether prompt tokens stand in the image tower, so that images are encoded with gradients."""
        return self.prompt.prompted_image_layers > 0

    @torch.no_grad()
    def encode_image(self, pixels: Tensor) -> ImageFeatures:
        """Run the frozen image encoder, with the method's prompt tokens in it if there are some."""
        return image_features(self.backbone, pixels, visual_tokens(self.prompt, self.backbone))

    @torch.no_grad()
    def encode_plain_image(self, pixels: Tensor) -> ImageFeatures:
        """Run the frozen image encoder as it was pretrained."""
        return image_features(self.backbone, pixels)

    @torch.no_grad()
    def encode_audio(self, waveform: Tensor) -> Tensor:
        """Run the frozen audio encoder: (B, T) -> frames (B, L, W)."""
        return audio_frames(self.audio_encoder, waveform)

    def listen(self, frames: Tensor) -> AudioFeatures:
        """Make of audio frames (B, L, W) what the prompt generator is given of B sounds."""
        return AudioFeatures(
            audio_tokens(self.projection, frames), frames if self.prompt.sees_frames else None
        )

    def forward(
        self, pixels: Tensor, image: ImageFeatures | None, frames: Tensor, noise: Noise, rows: Rows
    ) -> Grounding:
        """Ground every image of a batch in every audio of it, for training.

        Args:
            pixels: (b, 3, H, W) of the own images, normalised.
            image: features of these pixels; None where the method `prompts_images`, and encodes them here.
            frames: (b, L, W) features of the sounds that belong to them.
            noise: draws the uniform noise (b, B, h, w) of the hard masks.
            rows: where they stand in the batch of B clips; in one process b = B.
        """
        visual = visual_tokens(self.prompt, self.backbone)
        image = image_features(self.backbone, pixels, visual) if image is None else image
        text = self.prompt.read_pairs(self.listen(frames), image, rows, self._encode_prompt)
        logits = mask_logits(self.decoder, image, text.distinct, pairs=True)
        pool = self._pooling(pixels.device.type, visual)
        return Grounding(self.masker, pool, pixels, image, text.features, logits, noise, rows)

    def _pooling(self, device: str, visual: Sequence[Tensor]) -> Callable[[Tensor], Tensor]:
        """Return `pool_image` in the precision that holds now: losses, in float32, ask for it later."""
        mixed, dtype = torch.is_autocast_enabled(device), torch.get_autocast_dtype(device)

        def pool(pixels: Tensor) -> Tensor:
            with torch.autocast(device, dtype, enabled=mixed):
                return pooled_image(self.backbone, pixels, visual)

        return pool

    def loss_terms(self, grounding: Grounding) -> dict[str, Tensor]:
        """Return each loss times its weight, by name, and their sum as `total`."""
        weights = {name: loss.config.weight for name, loss in self._losses().items()}
        terms: dict[str, Tensor] = {
            name: weights[name] * check_tensor(loss, "forward", loss(grounding), grounding.logits, "")
            for name, loss in self._losses().items()
            if weights[name]
        }
        return terms | {"total": torch.stack(list(terms.values())).sum()}

    def _losses(self) -> dict[str, Any]:
        return dict(self.losses.items())

    def read(self, audio: AudioFeatures, image: ImageFeatures) -> Tensor:
        """Return the text features (B, D) of B sounds, each read under its own image."""
        return check_count(self.prompt, "forward", self._encode_prompt(self.prompt(audio, image)), len(audio))

    def read_with(self, audio: AudioFeatures, context: Tensor) -> Tensor:
        """Return the text features (B, D) of B sounds, all read with the context tokens (1, M, E)."""
        prompt = self.prompt.with_context(audio, context)
        return check_count(self.prompt, "with_context", self._encode_prompt(prompt), len(audio))

    def _encode_prompt(self, prompt: Prompt) -> Tensor:
        return text_features(self.backbone, prompt, self.prompt)

    @torch.no_grad()
    def locate(self, image: ImageFeatures, text: Tensor, size: tuple[int, int]) -> Prediction:
        """Return heatmaps (B, *size) and confidences for text features (B, D).

        The confidence is the cosine of the text feature with the image's dense features under the
        feature mask, as in ACL-SSL.
        """
        logits = mask_logits(self.decoder, image, text).float()
        dense = image.dense.float()
        height, width = dense.shape[-2:]
        mask = feature_masks(self.masker, logits, (height, width)).unsqueeze(1)
        feature = masked_mean(dense, mask).squeeze(1)
        confidence = F.cosine_similarity(feature, text.float(), dim=-1)
        return Prediction(heatmaps(self.masker, logits, size), confidence)


def _left_out(part: nn.Module) -> bool:
    """Say whether a part is a loss without a share of the sum, of which nothing can be learned."""
    return isinstance(part, AlignmentLoss) and not part.config.weight


def _check_prompted_layers(prompt: PromptGenerator, backbone: Backbone) -> None:
    """Refuse a prompt generator that reaches deeper into the towers than the backbone lets it."""
    for tower in ("image", "text"):
        wanted, taken = (getattr(part, f"prompted_{tower}_layers") for part in (prompt, backbone))
        if wanted > taken:
            raise ConfigError(
                f"{describe(prompt)} puts tokens into {wanted} layers of the {tower} tower. "
                f"{describe(backbone)} takes them in {taken} at most. "
                "Set it to fewer layers, or use another backbone or prompt generator."
            )


def _check_padding(projection: AudioProjection, prompt: PromptGenerator) -> None:
    """Refuse a prompt generator that would read what only fills up the audio tokens."""
    if projection.pads_tokens and not prompt.takes_padding:
        raise ConfigError(
            f"{describe(projection)} fills up short rows of audio tokens with <eos>, and "
            f"{describe(prompt)} would read that as well. Use the prompt generator that belongs to it."
        )


def _trains(part: nn.Module) -> bool:
    return any(parameter.requires_grad for parameter in part.parameters())
