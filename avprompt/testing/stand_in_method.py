"""A whole method of stand-ins: every part is small, and nothing is registered or read."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avprompt.config.options import LossOptions, PromptOptions, TrainedOptions
from avprompt.model.context_prompt import ContextPrompt
from avprompt.model.grounding import Grounding
from avprompt.model.method import Method
from avprompt.model.parts import AlignmentLoss, AudioProjection, Decoder
from avprompt.records import ImageFeatures
from avprompt.testing.standins import StandInAudioEncoder, StandInBackbone, StandInMasker


class StandInProjection(AudioProjection):
    """An audio projection without parameters: the first channels of the mean frame, repeated."""

    def forward(self, frames: Tensor) -> Tensor:
        """Map (B, L, W) to one audio token (B, 1, E)."""
        channels = torch.arange(self.text_width, device=frames.device) % self.audio_width
        return frames.mean(1, keepdim=True)[..., channels]


class StandInPrompt(ContextPrompt):
    """Two context tokens that are trained, the same for all images."""

    looks = False

    def __init__(self, backbone: StandInBackbone) -> None:
        super().__init__(PromptOptions(), backbone)
        self.tokens = nn.Parameter(torch.zeros(1, 2, backbone.text_width))

    def context(self, image: ImageFeatures) -> Tensor:
        """Return the context tokens (1, 2, E)."""
        del image
        return self.tokens


class StandInDecoder(Decoder):
    """A decoder without parameters: the cosine of each patch with the text."""

    def forward(self, image: ImageFeatures, text: Tensor, *, pairs: bool = False) -> Tensor:
        """Return mask logits (B, h, w), or (B, B_audio, h, w) with `pairs`."""
        dense, text = F.normalize(image.dense, dim=1), F.normalize(text, dim=-1)
        if not pairs:
            return torch.einsum("bdhw,bd->bhw", dense, text)
        return torch.einsum("bdhw,bad->bahw", dense, text.expand(len(image), -1, -1))


class StandInLoss(AlignmentLoss):
    """The mean area of the masks, which training makes small."""

    def forward(self, grounding: Grounding) -> Tensor:
        """Return a scalar."""
        own, others = grounding.areas
        return own.float().mean() + others.float().mean()


def stand_in_method() -> Method:
    """Return a method with one trained part, its prompt of two context tokens."""
    backbone, audio_encoder = StandInBackbone(), StandInAudioEncoder()
    return Method(
        backbone,
        audio_encoder,
        StandInProjection(TrainedOptions(), audio_encoder, backbone),
        StandInPrompt(backbone),
        StandInDecoder(TrainedOptions()),
        StandInMasker(),
        {"area": StandInLoss(LossOptions())},
    )
