"""ACL-SSL's audio projection: an MLP, then factor-graph attention pooling over the frames.

Paper: "Can CLIP Help Sound Source Localization?", WACV 2024, arXiv 2311.04066. Module names follow the
published checkpoints, so that `audio_proj` of such a file loads as it is.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avprompt.plugin import AudioEncoder, AudioProjection, Backbone, ProjectionOptions, start_from


class Unary(nn.Module):
    """How much a frame matters by itself: (B, E, L) -> (B, L)."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.embed = nn.Conv1d(width, width, 1)
        self.dropout = nn.Dropout(dropout)
        self.feature_reduce = nn.Conv1d(width, 1, 1)

    def forward(self, frames: Tensor) -> Tensor:
        """Return the unary potential of every frame."""
        potential: Tensor = self.feature_reduce(self.dropout(F.relu(self.embed(frames)))).squeeze(1)
        return potential


class Pairwise(nn.Module):
    """How much a frame agrees with all frames: (B, E, L) -> (B, L)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.embed_X = nn.Conv1d(width, width, 1)
        self.embed_Y = nn.Conv1d(width, width, 1)

    def forward(self, frames: Tensor) -> Tensor:
        """Return the mean cosine of each frame with every other, in two learned embeddings."""
        x = F.normalize(self.embed_X(frames), dim=1)
        y = F.normalize(self.embed_Y(frames), dim=1)
        # The mean of the L x L similarities over one axis is a product with the mean frame: O(L).
        return torch.einsum("bel,be->bl", x, y.mean(-1))


class FactorGraphAttention(nn.Module):
    """Factor-graph attention of one modality: (B, L, E) -> (B, E).

    Frames are weighted by the softmax over L of unary and self potentials, mixed by two learned scalars.
    """

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.un_models = nn.ModuleList([Unary(width, dropout)])
        self.pp_models = nn.ModuleList([Pairwise(width)])
        self.reduce_potentials = nn.ModuleList([nn.Conv1d(2, 1, 1, bias=False)])

    def forward(self, frames: Tensor) -> Tensor:
        """Pool the frames."""
        channels = frames.transpose(1, 2)  # (B, E, L)
        potentials = torch.stack([self.un_models[0](channels), self.pp_models[0](channels)], 1)  # (B, 2, L)
        attention = self.reduce_potentials[0](potentials).squeeze(1).softmax(-1)  # (B, L)
        return torch.einsum("bl,ble->be", attention, frames)


class FactorGraphOptions(ProjectionOptions):
    """Options of the factor-graph projection; `dropout` acts inside the unary potential."""

    dropout: float = 0.5


class FactorGraphProjection(AudioProjection):
    """Linear, GELU, Linear, factor-graph attention: (B, L, W) -> one audio token (B, 1, E)."""

    Config = FactorGraphOptions

    def __init__(self, config: FactorGraphOptions, audio_encoder: AudioEncoder, backbone: Backbone) -> None:
        super().__init__(config, audio_encoder, backbone)
        audio_width, text_width = self.audio_width, self.text_width
        self.fc1 = nn.Linear(audio_width, audio_width)
        self.fc2 = nn.Linear(audio_width, text_width)
        self.fga = FactorGraphAttention(text_width, config.dropout)
        if config.start is not None:
            start_from(backbone.embed_text(config.start).mean(0), self.fc2)

    def forward(self, frames: Tensor) -> Tensor:
        """Map frames to the audio token."""
        tokens = self.fc2(F.gelu(self.fc1(frames)))  # (B, L, E)
        token: Tensor = self.fga(tokens).unsqueeze(1)
        return token  # (B, 1, E)
