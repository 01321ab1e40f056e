"""The audio encoder `beats`: several layers of BEATs side by side, as ACL-SSL reads it."""

from __future__ import annotations

from pathlib import Path

import torch
from pydantic import Field
from torch import Tensor

from avprompt.model.chunks import in_groups
from avprompt.model.fbank import frame_count
from avprompt.plugin import AudioEncoder, ConfigError, Options, WeightsError, fill, locate, verified_sha256
from avprompt.weights.files import home
from avprompt_beats import checkpoint
from avprompt_beats.architecture import ITER3_PLUS_AS2M
from avprompt_beats.labels import audioset_names
from avprompt_beats.model import MEL_BINS, SAMPLE_RATE, Beats
from avprompt_beats.predictor import Predictor
from avprompt_beats.published import FINETUNED, FINETUNED_NAME, PRETRAINED_NAME


class BeatsOptions(Options):
    """Options of the BEATs encoder.

    Attributes:
        checkpoint: an official `.pt`, or a `.safetensors` of ours; see `avprompt.weights.files.locate` for
            how it is named. Where the file is absent the architecture is that of the published one.
        layers: blocks, counted from one (0 is the input of the first), whose outputs are concatenated.
    """

    checkpoint: str = FINETUNED_NAME
    layers: tuple[int, ...] = Field(default=(4, 8, 12), min_length=1)


class BeatsEncoder(AudioEncoder):
    """BEATs (arXiv 2212.09058): waveforms (B, T) to frames (B, L, layers x width).

    There is a frame for each patch of 160 ms and 16 mel bands: L = 496 for 10 s. It is a tagger where the
    checkpoint is fine-tuned and names its classes, and `layers` hold the last block, which the label
    predictor reads.
    """

    Config = BeatsOptions

    def __init__(self, config: BeatsOptions) -> None:
        super().__init__(config)
        path = locate(config.checkpoint)
        arch = checkpoint.read_architecture(path) if path.is_file() else ITER3_PLUS_AS2M
        if not all(0 <= layer <= arch.encoder_layers for layer in config.layers):
            raise ConfigError(
                f"audio_encoder.layers must lie in 0..{arch.encoder_layers}, the blocks of this BEATs; "
                f"got {list(config.layers)}."
            )
        self.beats = Beats(arch)
        self.sample_rate = SAMPLE_RATE
        self.width = len(config.layers) * arch.encoder_embed_dim
        self.labels = _labels(config, path) if arch.encoder_layers in config.layers else ()
        self.predictor = Predictor(arch.encoder_embed_dim, len(self.labels)) if self.labels else None
        self.freeze()

    def forward(self, waveform: Tensor) -> Tensor:
        """Encode (B, T) in -1..1 at 16 kHz to frames (B, L, layers x width)."""
        return torch.cat([self._encode(part) for part in in_groups(waveform, self._widest(waveform))])

    def tag(self, frames: Tensor) -> Tensor:
        """Return the label predictor's logits (B, n), as in the published code, from frames (B, L, W)."""
        if self.predictor is None:
            return super().tag(frames)
        arch = self.beats.arch
        start = self.config.layers.index(arch.encoder_layers) * arch.encoder_embed_dim
        last = frames[..., start : start + arch.encoder_embed_dim]
        if arch.layer_norm_first:  # what the published encoder does to its output, not to its layers'
            last = self.beats.encoder.layer_norm(last)
        logits: Tensor = self.predictor(last)
        return logits

    def _encode(self, waveform: Tensor) -> Tensor:
        outputs = self.beats(waveform)
        return torch.cat([outputs[layer] for layer in self.config.layers], dim=-1)

    def _widest(self, waveform: Tensor) -> int:
        """Return how many numbers a sound's position biases have, which every layer gates anew."""
        patch = self.beats.arch.input_patch_size
        frames = frame_count(waveform.shape[-1], SAMPLE_RATE) // patch * (MEL_BINS // patch)
        return max(1, frames**2 * self.beats.arch.encoder_attention_heads)

    def load_weights(self) -> dict[str, str]:
        """Read the checkpoint and return its SHA-256 by its file name.

        Raises:
            WeightsError: the file is missing, damaged, or of another architecture.
        """
        path = locate(self.config.checkpoint)
        if not path.is_file():
            raise WeightsError(_how_to_get(self.config.checkpoint, path))
        fill(self.beats, checkpoint.read_state(path), path)
        if self.predictor is not None:
            fill(self.predictor, checkpoint.read_predictor(path), path)
        return {path.name: verified_sha256(path)}


def _labels(config: BeatsOptions, path: Path) -> tuple[str, ...]:
    """Return the names of the classes that a checkpoint predicts, where that is known.

    The order of the published one's is known from the file alone; without it their number is right.
    """
    if path.is_file():
        return checkpoint.read_labels(path)
    return tuple(audioset_names().values()) if config.checkpoint == FINETUNED_NAME else ()


def _how_to_get(reference: str, path: Path) -> str:
    name = reference if reference == PRETRAINED_NAME else FINETUNED_NAME
    return (
        f"There is no BEATs checkpoint '{reference}': nothing is at {path}.\n"
        f"Get the published one with `avprompt weights fetch {name}`, or from {FINETUNED.source} "
        f"and put it in {home()}, or name another with --set audio_encoder.checkpoint=PATH."
    )
