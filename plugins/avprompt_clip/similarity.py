"""Mask decoders without parameters: how much each patch looks like what the text feature says."""

from __future__ import annotations

from abc import abstractmethod

import torch.nn.functional as F
from torch import Tensor

from avprompt.plugin import Backbone, Decoder, ImageFeatures, TrainedOptions


class SimilarityOptions(TrainedOptions):
    """Options of the similarity decoder; nothing in it is trained.

    Attributes:
        scale: logits for each unit of cosine; 100 is CLIP's own final logit scale.
        offset: the cosine whose logit is 0. Matching patches and texts of CLIP lie around 0.2 to 0.3.
    """

    scale: float = 100.0
    offset: float = 0.25


class CosineDecoder(Decoder):
    """Base of decoders without parameters, given by the logits that they make of cosines."""

    def __init__(self, config: TrainedOptions, backbone: Backbone) -> None:
        super().__init__(config)
        del backbone

    def forward(self, image: ImageFeatures, text: Tensor, *, pairs: bool = False) -> Tensor:
        """Return logits on the patch grid.

        Args:
            image: features of B images.
            text: (B, D), one for each image; with `pairs` (B_audio, D), read with every image, or
                (B, B_audio, D), its own for every pair.
            pairs: compare every image with every text.

        Returns:
            (B, h, w), or (B, B_audio, h, w) with `pairs`.
        """
        dense = F.normalize(image.dense.flatten(2), dim=1)  # (B, D, N)
        texts = F.normalize(text if pairs else text[:, None], dim=-1).expand(len(dense), -1, -1)
        logits: Tensor = self.logits(texts, dense).unflatten(-1, image.dense.shape[2:])
        return logits if pairs else logits.squeeze(1)

    @abstractmethod
    def logits(self, texts: Tensor, dense: Tensor) -> Tensor:
        """Return logits (B, B_audio, N) of unit vectors: texts (B, B_audio, D) and patches (B, D, N)."""


class SimilarityDecoder(CosineDecoder):
    """Cosine of CLIP's dense features and the text feature (MaskCLIP, arXiv 2112.01071)."""

    Config = SimilarityOptions

    def logits(self, texts: Tensor, dense: Tensor) -> Tensor:
        """Return the scaled distance of each cosine from the offset."""
        logits: Tensor = self.config.scale * (texts @ dense - self.config.offset)
        return logits
