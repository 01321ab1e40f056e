"""SigLIP's sigmoid loss (arXiv 2303.15343) on what ACL-SSL's losses contrast."""

from __future__ import annotations

import math
from typing import Literal

import torch
from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from torch import Tensor, nn
from torch.nn import functional as F

from avprompt.plugin import AlignmentLoss, Grounding, LossOptions, TrainedOptions
from avprompt_acl.losses import feature_similarity, image_similarity


def sigmoid_loss(similarity: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
    """Return equation 1 of a (B, B) similarity matrix whose diagonal matches: -log sigmoid(z (t s + b)).

    z is 1 on the diagonal and -1 elsewhere. The terms are summed over all pairs and divided by B. The bias is
    added to t s, as in the paper's algorithm 1; equation 1 is printed with its sign turned.
    """
    matches = 2 * torch.eye(len(similarity), device=similarity.device) - 1  # (B, B)
    logits = scale * similarity.float() + bias
    return -F.logsigmoid(matches * logits).sum() / len(similarity)


class SigmoidOptions(LossOptions, TrainedOptions):
    """Options of the sigmoid loss.

    Attributes:
        level: what it contrasts, the masked `image` as `image-contrastive` does, or the masked `feature` as
            `feature-contrastive` does.
        compare_with: as that of `feature-contrastive`; the image level has no such choice.
        temperature: cosines are divided by it at the start, so the paper's t = 10 is 0.1.
        bias: b at the start. -10, as published, says that hardly any pair matches; in a batch of B
            clips one in B does, whose logit is -log(B - 1).
        trained: learn t' = log(1 / temperature) and b, as published.
        weight_decay: of both; the published training decays weight matrices alone.
    """

    level: Literal["image", "feature"] = "image"
    compare_with: Literal["image", "audio"] = "image"
    temperature: float = Field(default=0.1, gt=0)
    bias: float = -10.0
    weight_decay: float | None = Field(default=0.0, ge=0, le=1000)

    @field_validator("compare_with")
    @classmethod
    def _has_a_choice(cls, value: str, info: ValidationInfo) -> str:
        if value == "audio" and info.data.get("level") == "image":
            raise PydanticCustomError("idle", "Input should be image unless level is feature")
        return value


class SigmoidContrastive(AlignmentLoss):
    """Asks of each pair by itself whether image and audio match; no pair competes with others, as in InfoNCE.

    t' and b are parameters of the loss: trained, saved and resumed as those of any part.
    """

    Config = SigmoidOptions

    def __init__(self, config: SigmoidOptions) -> None:
        super().__init__(config)
        self.t_prime = nn.Parameter(torch.tensor(-math.log(config.temperature)))
        self.b = nn.Parameter(torch.tensor(float(config.bias)))

    def forward(self, grounding: Grounding) -> Tensor:
        """Return the loss."""
        if self.config.level == "image":
            similarity = image_similarity(grounding)
        else:
            similarity = feature_similarity(grounding, self.config.compare_with)
        return sigmoid_loss(similarity, self.t_prime.exp(), self.b)
