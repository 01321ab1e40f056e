"""The losses of joint pretraining: contrast of pooled and dense features with texts, and masks."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

TEMPERATURE = 0.07


def similarity(features: Tensor, texts: Tensor) -> Tensor:
    """Return cosines over the temperature: (..., D) with (T, D) to (..., T)."""
    return F.normalize(features.float(), dim=-1) @ F.normalize(texts.float(), dim=-1).T / TEMPERATURE


def contrast_present(logits: Tensor, present: Tensor) -> Tensor:
    """Cross-entropy of every present class against the absent ones only.

    Args:
        logits: (B, T).
        present: (B, T) bool; other present classes are no negatives.
    """
    absent = logits.masked_fill(present, -torch.inf).logsumexp(dim=1, keepdim=True)  # (B, 1)
    return F.softplus(absent - logits)[present].mean()


def mask_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Binary cross-entropy plus the dice loss, which only masks that are not empty have.

    Args:
        logits: (N, H, W).
        target: (N, H, W) in 0..1.
    """
    entropy = F.binary_cross_entropy_with_logits(logits, target)
    present = target.flatten(1).any(dim=1)
    drawn, truth = logits[present].sigmoid().flatten(1), target[present].flatten(1)
    overlap = 2 * (drawn * truth).sum(1) / (drawn.sum(1) + truth.sum(1) + 1)
    return 2 * entropy + (1 - overlap).mean()
