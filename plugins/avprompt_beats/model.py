"""BEATs: audio pre-training with acoustic tokenizers (arXiv 2212.09058), the encoder.

A spectrogram is cut into square patches, and a transformer with a convolutional and a relative position
embedding encodes them. Parameters carry the names of the official checkpoints.
Letters of shapes: B batch, T samples, L patches (time-major), W width, H heads.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avprompt.model.fbank import frame_count, kaldi_fbank
from avprompt_beats.architecture import BeatsArchitecture
from avprompt_beats.attention import RelativeAttention, relative_buckets
from avprompt_beats.position import PositionConv

SAMPLE_RATE = 16000
MEL_BINS = 128
FBANK_MEAN, FBANK_STD = 15.41663, 6.55582
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"gelu": F.gelu, "relu": F.relu, "tanh": torch.tanh}


def spectrogram(waveform: Tensor) -> Tensor:
    """Turn (B, T) in -1..1 at 16 kHz into the normalised filterbank (B, frames, 128) of BEATs."""
    fbank: Tensor = kaldi_fbank(waveform * 2**15, bins=MEL_BINS, rate=SAMPLE_RATE)
    return (fbank - FBANK_MEAN) / (2 * FBANK_STD)


class Beats(nn.Module):
    """The BEATs encoder; new ones start from the published initialisation and can be trained."""

    def __init__(self, arch: BeatsArchitecture) -> None:
        super().__init__()
        self.arch = arch
        width, patch = arch.encoder_embed_dim, arch.input_patch_size
        self.patch_embedding = nn.Conv2d(1, arch.embed_dim, patch, stride=patch, bias=arch.conv_bias)
        self.layer_norm = nn.LayerNorm(arch.embed_dim)
        self.post_extract_proj = nn.Linear(arch.embed_dim, width) if arch.embed_dim != width else None
        self.encoder = Encoder(arch)

    def forward(self, waveform: Tensor) -> tuple[Tensor, ...]:
        """Encode (B, T) in -1..1 at 16 kHz.

        Returns:
            The transformer's input and the output of each block, (B, L, W) each, so that item i is
            the output of block i counted from one. With `layer_norm_first` no item is normalised, the
            last neither: the published code normalises only what it returns beside its layers' outputs.

        Raises:
            ValueError: the waveform is shorter than one patch (175 ms).
        """
        patch = self.arch.input_patch_size
        if frame_count(waveform.shape[-1], SAMPLE_RATE) < patch:
            seconds = waveform.shape[-1] / SAMPLE_RATE
            raise ValueError(f"a waveform of {seconds:.3f} s is shorter than one patch of {patch} frames")
        outputs: tuple[Tensor, ...] = self.encoder(self.embed(spectrogram(waveform)))
        return outputs

    def embed(self, fbank: Tensor) -> Tensor:
        """Map a normalised filterbank (B, frames, 128) to patches (B, L, W)."""
        fbank = fbank.to(self.patch_embedding.weight.dtype)
        x: Tensor = self.patch_embedding(fbank[:, None])  # (B, E, time, mel)
        x = self.layer_norm(x.flatten(2).transpose(1, 2))  # (B, L, E)
        return x if self.post_extract_proj is None else self.post_extract_proj(x)


class Encoder(nn.Module):
    """Position embeddings and transformer blocks."""

    def __init__(self, arch: BeatsArchitecture) -> None:
        super().__init__()
        self.arch = arch
        width = arch.encoder_embed_dim
        self.pos_conv = nn.Sequential(PositionConv(width, arch.conv_pos, arch.conv_pos_groups), nn.GELU())
        positions = None
        if arch.relative_position_embedding:
            positions = nn.Embedding(arch.num_buckets, arch.encoder_attention_heads)
            nn.init.normal_(positions.weight, std=0.02)
        self.layers = nn.ModuleList(Block(arch, positions) for _ in range(arch.encoder_layers))
        self.layer_norm = nn.LayerNorm(width)

    def forward(self, patches: Tensor) -> tuple[Tensor, ...]:
        """Encode patches (B, L, W); see `Beats.forward` for what comes back."""
        x = patches + self.pos_conv(patches.transpose(1, 2)).transpose(1, 2)  # (B, L, W)
        outputs = [x if self.arch.layer_norm_first else self.layer_norm(x)]
        bias = self._position_bias(x.shape[1], x.device)
        for layer in self.layers:
            outputs.append(layer(outputs[-1], bias))
        return tuple(outputs)

    def _position_bias(self, length: int, device: torch.device) -> Tensor | None:
        """Return the bias (H, L, L) that all layers share, before gating."""
        if not self.arch.relative_position_embedding:
            return None
        shared = self.layers[0].get_submodule("self_attn.relative_attention_bias")
        buckets = relative_buckets(length, self.arch.num_buckets, self.arch.max_distance, device)
        by_offset: Tensor = shared(buckets).T  # (H, 2L - 1)
        steps = torch.arange(length, device=device)
        return by_offset[:, steps - steps[:, None] + length - 1]  # (H, L, L)


class Block(nn.Module):
    """A transformer block, normalised before or after its residuals.

    Deep norm (arXiv 2203.00555) scales the residual by alpha = (2 layers)^(1/4).
    """

    def __init__(self, arch: BeatsArchitecture, positions: nn.Embedding | None) -> None:
        super().__init__()
        width, hidden = arch.encoder_embed_dim, arch.encoder_ffn_embed_dim
        self.self_attn = RelativeAttention(arch, positions)
        self.self_attn_layer_norm = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)
        self.final_layer_norm = nn.LayerNorm(width)
        self.norm_first = arch.layer_norm_first
        self.activation = ACTIVATIONS[arch.activation_fn]
        self.alpha = (2 * arch.encoder_layers) ** 0.25 if arch.deep_norm else 1.0
        self._initialise(arch)

    def forward(self, x: Tensor, bias: Tensor | None) -> Tensor:
        """Map (B, L, W) to (B, L, W) under a position bias (H, L, L)."""
        if self.norm_first:
            x = x + self.self_attn(self.self_attn_layer_norm(x), bias)
            return x + self._feed_forward(self.final_layer_norm(x))
        x = self.self_attn_layer_norm(self.alpha * x + self.self_attn(x, bias))
        x = self.final_layer_norm(self.alpha * x + self._feed_forward(x))
        return x

    def _feed_forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.fc2(self.activation(self.fc1(x)))
        return y

    def _initialise(self, arch: BeatsArchitecture) -> None:
        """Start as BERT does, or with deep norm's gain (8 layers)^(-1/4) on all but queries and keys."""
        gain = (8 * arch.encoder_layers) ** -0.25
        attention = self.self_attn
        for linear in (m for m in self.modules() if isinstance(m, nn.Linear)):
            nn.init.normal_(linear.weight, std=0.02)
            nn.init.zeros_(linear.bias)
        if arch.deep_norm:
            for linear in (attention.q_proj, attention.k_proj):
                nn.init.xavier_normal_(linear.weight)
            for linear in (attention.v_proj, attention.out_proj, self.fc1, self.fc2):
                nn.init.xavier_normal_(linear.weight, gain=gain)
