"""CLIPSeg's mask decoder as a part: options, pretrained weights, batches of pairs."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from torch import Tensor

from avprompt.plugin import (
    Backbone,
    Decoder,
    DecoderCheckpoint,
    ImageFeatures,
    TrainedOptions,
    fill,
    locate,
    read_tensors,
)
from avprompt_clip.checkpoint import clipseg_checkpoint, read_decoder
from avprompt_clip.decoder import ClipSegNetwork
from avprompt_clip.pairs import decode_pairs


class ClipSegDecoderOptions(TrainedOptions):
    """Options of CLIPSeg's decoder.

    Attributes:
        checkpoint: start from this instead of the backbone's own decoder: a CLIPSeg folder or hub
            name, or a file with the decoder's tensors, their names as they are or after "decoder.".
        random: start from random weights.
        memory: what decoding all pairs of a batch may take, GiB. Beyond it they are decoded in chunks, and
            in training once more on the way back; the result is the same.
    """

    checkpoint: str | None = None
    random: bool = False
    memory: float = Field(default=6.0, gt=0)


class ClipSegDecoder(Decoder):
    """CLIPSeg's decoder (arXiv 2112.10003); 1,127,009 parameters as published for ViT-B/16."""

    Config = ClipSegDecoderOptions

    def __init__(self, config: ClipSegDecoderOptions, backbone: Backbone) -> None:
        super().__init__(config)
        source = self._source(backbone)
        self.network = ClipSegNetwork(
            backbone.vision_width,
            backbone.joint_width,
            backbone.layers,
            backbone.patch_size,
            **(source.architecture if source else {}),
        )

    def forward(self, image: ImageFeatures, text: Tensor, *, pairs: bool = False) -> Tensor:
        """Return mask logits at the size of the input image.

        Args:
            image: features of B images.
            text: (B, D), one for each image; with `pairs` (B_audio, D), read with every image, or
                (B, B_audio, D), its own for every pair.
            pairs: decode every image with every text.

        Returns:
            (B, H, W), or (B, B_audio, H, W) with `pairs`.
        """
        reduced = self.network.prepare(image.hidden)
        if pairs:
            return decode_pairs(self.network, reduced, text, self.config.memory)
        return self.network.decode(reduced, text)

    def load_weights(self, backbone: Backbone) -> bool:
        """Start from the configured checkpoint, or from the decoder pretrained with the backbone.

        Returns:
            Whether there was one, and random weights were not asked for.

        Raises:
            WeightsError: the tensors are missing, damaged, or of another architecture.
        """
        source = self._source(backbone)
        if source is None or source.load is None or self.config.random:
            return False
        fill(self.network, source.load(), self.config.checkpoint or "the backbone's mask decoder")
        return True

    def _source(self, backbone: Backbone) -> DecoderCheckpoint | None:
        own = backbone.decoder_checkpoint()
        if self.config.checkpoint is None:
            return own
        path = locate(self.config.checkpoint)
        if not path.is_file():
            return read_decoder(clipseg_checkpoint(self.config.checkpoint, "decoder.checkpoint"))
        return DecoderCheckpoint(own.architecture if own else {}, lambda: _read_file(path))


def _read_file(path: Path) -> dict[str, Tensor]:
    return read_tensors(path, "decoder.") or read_tensors(path)
