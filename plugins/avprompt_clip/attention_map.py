"""A mask decoder without parameters: the attention of the text feature over the patches."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from pydantic import Field
from torch import Tensor

from avprompt.plugin import ImageFeatures, TrainedOptions
from avprompt_clip.similarity import CosineDecoder


class AttentionMapOptions(TrainedOptions):
    """Options of the attention map; nothing in it is trained.

    Attributes:
        temperature: cosines are divided by it; 0.01 is CLIP's own final logit scale of 100. Encoders whose
            cosines spread wider need more: too little, and all attention goes to a few patches.
        offset: the logarithm of attention, in units of uniform attention, whose logit is 0. 1.4 is what
            ACL-SSL's masker adds at the start (14 / 10): its hard masks then hold the patches that get more
            than uniform attention, and its heatmap is the sigmoid below.
    """

    temperature: float = Field(default=0.01, gt=0)
    offset: float = 1.4


class AttentionMapDecoder(CosineDecoder):
    """Softmax over the patches of the cosine of text feature (query) and dense features (keys), as logits.

    With attention a_n of N patches, which sum to 1, the logit is log(N a_n) - offset. The sigmoid of
    log(N a_n) is N a_n / (N a_n + 1), one half where a patch gets what it would if all got the same.

    `similarity` asks of each patch by itself whether it looks like the text, against one cosine for all
    images. Here the patches of one image compete: what is added to all their cosines changes nothing, and
    some patch stands out in every image, also where nothing fits the text.
    """

    Config = AttentionMapOptions

    def forward(self, image: ImageFeatures, text: Tensor, *, pairs: bool = False) -> Tensor:
        """Do as `CosineDecoder.forward`, in float32: divided by so little, rounded cosines would show."""
        precise = replace(image, dense=image.dense.float())
        with torch.autocast(text.device.type, enabled=False):
            return super().forward(precise, text.float(), pairs=pairs)

    def logits(self, texts: Tensor, dense: Tensor) -> Tensor:
        """Return log(N a_n) - offset."""
        log_attention = (texts @ dense / self.config.temperature).log_softmax(dim=-1)
        return log_attention + math.log(dense.shape[-1]) - self.config.offset  # type: ignore[no-any-return]
