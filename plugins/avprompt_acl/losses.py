"""ACL-SSL's alignment losses (arXiv 2311.04066), which SouPLe's VAT keeps (arXiv 2603.22732).

i indexes images, j audios; A[i, j] is the audio-driven text feature of audio j as read for image i.
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from avprompt.plugin import AlignmentLoss, Grounding, LossOptions


def info_nce(similarity: Tensor, temperature: float) -> Tensor:
    """Return the symmetric InfoNCE loss of a (B, B) similarity matrix whose diagonal matches."""
    logits = similarity.float() / temperature
    target = torch.arange(len(logits), device=logits.device)
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


def image_similarity(grounding: Grounding) -> Tensor:
    """Return S^I (B, B), S^I[i, j] = cos(v^I_i, A[i, j])."""
    return F.cosine_similarity(grounding.image_level.unsqueeze(1), grounding.text.float(), dim=-1)


def feature_similarity(grounding: Grounding, compare_with: Literal["image", "audio"]) -> Tensor:
    """Return S^F (B, B), S^F[i, j] = cos(v^F_ij, A[i, i]), or with `audio` cos(v^F_ij, A[i, j])."""
    text = grounding.text.float()
    if compare_with == "image":
        text = torch.diagonal(text).T.unsqueeze(1)  # (B, 1, D)
    return F.cosine_similarity(grounding.feature_level, text, dim=-1)


class ContrastiveOptions(LossOptions):
    """Options of the contrastive losses; cosines are divided by `temperature`."""

    temperature: float = Field(default=0.07, gt=0)


class ImageContrastive(AlignmentLoss):
    """L_ACL_I: InfoNCE on S^I, see `image_similarity`."""

    Config = ContrastiveOptions

    def forward(self, grounding: Grounding) -> Tensor:
        """Return the loss."""
        return info_nce(image_similarity(grounding), self.config.temperature)


class FeatureContrastiveOptions(ContrastiveOptions):
    """Options of the feature-level loss.

    Attributes:
        compare_with: what v^F_ij is compared with: `image`, A of the image's own audio (row i), as the
            published code does, or `audio`, A of audio j, as the paper's text reads.
    """

    compare_with: Literal["image", "audio"] = "image"


class FeatureContrastive(AlignmentLoss):
    """L_ACL_F: InfoNCE on S^F, see `feature_similarity`."""

    Config = FeatureContrastiveOptions

    def forward(self, grounding: Grounding) -> Tensor:
        """Return the loss."""
        similarity = feature_similarity(grounding, self.config.compare_with)
        return info_nce(similarity, self.config.temperature)


class AreaOptions(LossOptions):
    """Options of the area term: the share of the image that matching and other pairs should cover."""

    target: float = Field(default=0.4, ge=0, le=1)
    negative_target: float = Field(default=0.0, ge=0, le=1)


class Area(AlignmentLoss):
    """L_REG = |p - target| + |n - negative_target|."""

    Config = AreaOptions

    def forward(self, grounding: Grounding) -> Tensor:
        """Return the loss."""
        positive, negative = grounding.areas
        loss: Tensor = (positive - self.config.target).abs() + (negative - self.config.negative_target).abs()
        return loss
