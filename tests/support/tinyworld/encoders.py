"""Encoders that know the colours and the tones; until their weights are read they know nothing.

Both hold a batch norm and a dropout that would act if they were ever put into training mode.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avprompt.plugin import AudioEncoder, Backbone, DecoderCheckpoint, ImageFeatures, Options, Prompt
from tinyworld.scenes import CLASSES, COLOURS, FRAME, RATE

WORDS = 64
CHECKSUM = {"tiny-clip": "c" * 64, "tiny-ear": "e" * 64}


class TinyClip(Backbone):
    """Channel k of dense and text features is class k; the last dense channel is background."""

    image_size, patch_size = 32, 4
    vision_width, joint_width, text_width, layers = 12, 8, 8, 2
    mean, std = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)
    prompted_image_layers = prompted_text_layers = 3

    def __init__(self, config: Options) -> None:
        super().__init__(config)
        self.look = nn.Parameter(torch.zeros(3, self.vision_width))
        self.words = nn.Embedding(WORDS, self.text_width)
        self.norm = nn.BatchNorm2d(self.joint_width)
        self.dropout = nn.Dropout(0.5)
        nn.init.zeros_(self.words.weight)

    @torch.no_grad()
    def load_weights(self) -> dict[str, str]:
        draw = torch.Generator().manual_seed(0)
        self.look.copy_(torch.randn(self.look.shape, generator=draw))
        self.words.weight[:, 6:] = 0.1 * torch.randn(WORDS, 2, generator=draw)
        self.words.weight[: len(CLASSES), : len(CLASSES)] = torch.eye(len(CLASSES))
        return {"tiny-clip": CHECKSUM["tiny-clip"]}

    def encode_image(self, pixels: Tensor, visual: Sequence[Tensor] = ()) -> ImageFeatures:
        patches = F.avg_pool2d(pixels, self.patch_size)  # (B, 3, 8, 8)
        seen = patches.flatten(2).transpose(1, 2) @ self.look  # (B, 64, 12)
        tokens = torch.cat([seen.mean(1, keepdim=True), seen], dim=1)
        for layer in visual:  # a layer is no more than what its prompt tokens add
            tokens = tokens + layer.tanh().mean(0)
        dense = self._dense(patches, visual)
        return ImageFeatures(dense.mean((-2, -1)), (tokens, tokens.tanh()), dense)

    def pool_image(self, pixels: Tensor, visual: Sequence[Tensor] = ()) -> Tensor:
        return self._dense(F.avg_pool2d(pixels, self.patch_size), visual).mean((-2, -1))

    def embed_text(self, text: str) -> Tensor:
        return self._embed(text.split())

    def special_token_embeddings(self) -> tuple[Tensor, Tensor]:
        start, end = self._embed(["<sos>", "<eos>"])
        return start, end

    def encode_prompt(self, prompt: Prompt) -> Tensor:
        deep = sum(tokens.tanh().mean(1) for tokens in prompt.deep_text)  # (1, 8) or (B, 8), or 0
        if isinstance(prompt.read_at, int):
            return self.dropout(prompt.embeddings[:, : prompt.read_at + 1].sum(1) + deep)
        rows = torch.arange(len(prompt.embeddings))
        return self.dropout(prompt.embeddings.cumsum(1)[rows, prompt.read_at] + deep)

    def decoder_checkpoint(self) -> DecoderCheckpoint:
        return DecoderCheckpoint({"reduce_dim": 8, "heads": 2, "intermediate": 16}, None)

    def _dense(self, patches: Tensor, visual: Sequence[Tensor] = ()) -> Tensor:
        colours = torch.as_tensor(2 * COLOURS - 1, device=patches.device)  # (6, 3)
        apart = (patches[:, None] - colours[:, :, None, None]).square().sum(2)  # (B, 6, 8, 8)
        like = F.relu(1 - apart / 3)
        background = torch.full_like(like[:, :2], 0.2) * torch.tensor([0.0, 1.0])[:, None, None].to(like)
        dense = torch.cat([like, background], dim=1)
        for layer in visual:
            dense = dense + 0.1 * layer.tanh().mean(0)[: self.joint_width, None, None]
        return self.dropout(self.norm(dense))

    def _embed(self, words: list[str]) -> Tensor:
        rows = [CLASSES.index(word) if word in CLASSES else _row(word) for word in words]
        return self.words.weight[torch.tensor(rows, device=self.words.weight.device)]


class EarOptions(Options):
    """Options of the ear; frames are multiplied by `gain`."""

    gain: float = 1.0


class TinyEar(AudioEncoder):
    """How strong each class's tone is in each frame: (B, T) -> (B, T // 40, 6)."""

    Config = EarOptions
    sample_rate, width = RATE, len(CLASSES)

    def __init__(self, config: EarOptions) -> None:
        super().__init__(config)
        self.tones = nn.Parameter(torch.zeros(FRAME, self.width))
        self.norm = nn.BatchNorm1d(self.width)
        self.dropout = nn.Dropout(0.5)

    @torch.no_grad()
    def load_weights(self) -> dict[str, str]:
        periods = torch.arange(FRAME)[:, None] / FRAME * torch.arange(1, self.width + 1)
        self.tones.copy_(torch.sin(2 * torch.pi * periods) * 4 / FRAME)
        return {"tiny-ear": CHECKSUM["tiny-ear"]}

    def forward(self, waveform: Tensor) -> Tensor:
        strength = self.config.gain * (waveform.unfold(1, FRAME, FRAME) @ self.tones).abs()  # (B, L, 6)
        return self.dropout(self.norm(strength.transpose(1, 2)).transpose(1, 2))


def _row(word: str) -> int:
    return len(CLASSES) + zlib.crc32(word.encode()) % (WORDS - len(CLASSES))
