"""SouPLe's audio projection: a bottleneck MLP, then attention pooling over the frames (arXiv 2603.22732).

The paper does not print its widths; 2304 - 416 - 512 with a one-layer attention gives its 2.38 M in all.
"""

from __future__ import annotations

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from avprompt.plugin import AudioEncoder, AudioProjection, Backbone, ProjectionOptions, start_from


class BottleneckOptions(ProjectionOptions):
    """Options of the bottleneck projection.

    Attributes:
        hidden: units of the MLP's hidden layer.
        tokens: K, audio tokens handed over; each has an attention of its own.
    """

    hidden: int = Field(default=416, ge=1)
    tokens: int = Field(default=1, ge=1)


class BottleneckProjection(AudioProjection):
    """Linear, GELU, Linear, attention pooling: (B, L, W) -> (B, K, E)."""

    Config = BottleneckOptions

    def __init__(self, config: BottleneckOptions, audio_encoder: AudioEncoder, backbone: Backbone) -> None:
        super().__init__(config, audio_encoder, backbone)
        audio_width, text_width = self.audio_width, self.text_width
        self.reduce = nn.Linear(audio_width, config.hidden)
        self.expand = nn.Linear(config.hidden, text_width)
        self.attention = nn.Linear(text_width, config.tokens)
        if config.start is not None:
            start_from(backbone.embed_text(config.start).mean(0), self.expand)

    def forward(self, frames: Tensor) -> Tensor:
        """Map frames to audio tokens."""
        values: Tensor = self.expand(F.gelu(self.reduce(frames)))  # (B, L, E)
        weights: Tensor = self.attention(values).softmax(dim=1)  # (B, L, K)
        return weights.transpose(1, 2) @ values  # (B, K, E)
