"""A mask decoder without parameters: the attention of the text feature over the patches."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from avprompt.plugin import Backbone, Decoder, ImageFeatures, TrainedOptions


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


class AttentionMapDecoder(Decoder):
    """Softmax over the patches of the cosine of text feature (query) and dense features (keys), as logits.

    With attention a_n of N patches, which sum to 1, the logit is log(N a_n) - offset. The sigmoid of
    log(N a_n) is N a_n / (N a_n + 1), one half where a patch gets what it would if all got the same.

    `similarity` asks of each patch by itself whether it looks like the text, against one cosine for all
    images. Here the patches of one image compete: what is added to all their cosines changes nothing, and
    some patch stands out in every image, also where nothing fits the text.
    """

    Config = AttentionMapOptions

    def __init__(self, config: AttentionMapOptions, backbone: Backbone) -> None:
        super().__init__(config)

    def forward(self, image: ImageFeatures, text: Tensor, *, pairs: bool = False) -> Tensor:
        """Return logits on the patch grid.

        Args:
            image: features of B images.
            text: (B, D), one for each image; with `pairs` (B_audio, D), read with every image, or
                (B, B_audio, D), its own for every pair.
            pairs: let every text attend to every image.

        Returns:
            (B, h, w), or (B, B_audio, h, w) with `pairs`.
        """
        keys = F.normalize(image.dense.flatten(2).float(), dim=1)  # (B, D, N)
        queries = F.normalize((text if pairs else text[:, None]).float(), dim=-1).expand(len(keys), -1, -1)
        with torch.autocast(text.device.type, enabled=False):  # divided by so little, rounding would show
            cosines = queries @ keys  # (B, B_audio, N)
        log_attention = (cosines / self.config.temperature).log_softmax(dim=-1)
        logits = log_attention + math.log(keys.shape[-1]) - self.config.offset
        maps: Tensor = logits.unflatten(-1, image.dense.shape[2:])
        return maps if pairs else maps.squeeze(1)
