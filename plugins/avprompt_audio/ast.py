"""The audio encoder `ast`: the Audio Spectrogram Transformer (arXiv 2104.01778) of transformers."""

from __future__ import annotations

from torch import Tensor

from avprompt.plugin import AudioEncoder, HubModel, Options
from avprompt_audio.pretrained import OPTION, read_config, read_weights
from avprompt_audio.spectrogram import AUDIOSET_MEAN, AUDIOSET_STD, SAMPLE_RATE, fixed_fbank

PUBLISHED = "MIT/ast-finetuned-audioset-10-10-0.4593"
PREFIX_TOKENS = 2  # class and distillation


class AstOptions(Options):
    """Options of AST.

    Attributes:
        checkpoint: hub name, or folder in the format of transformers.
    """

    checkpoint: str = PUBLISHED


class AstEncoder(AudioEncoder):
    """AST: waveforms (B, T) to frames (B, L, W), one for each patch of the first 10.24 s.

    Patches overlap; they are ordered mel band by mel band: L = 12 x 101 in the published model.
    """

    Config = AstOptions
    pads_short_sounds = True

    def __init__(self, config: AstOptions) -> None:
        from transformers import ASTConfig, ASTModel

        super().__init__(config)
        self.checkpoint = HubModel(config.checkpoint, "AST checkpoint", OPTION)
        self.architecture = read_config(self.checkpoint, ASTConfig, PUBLISHED)
        self.ast = ASTModel(self.architecture)
        self.sample_rate = SAMPLE_RATE
        self.width = int(self.architecture.hidden_size)
        self.mean, self.std = _statistics(self.checkpoint)
        self.freeze()

    def forward(self, waveform: Tensor) -> Tensor:
        """Encode (B, T) in -1..1 at 16 kHz to frames (B, L, W)."""
        frames, bins = self.architecture.max_length, self.architecture.num_mel_bins
        fbank = fixed_fbank(waveform, frames, bins, self.mean, self.std)
        tokens: Tensor = self.ast(fbank).last_hidden_state
        return tokens[:, PREFIX_TOKENS:]

    def load_weights(self) -> dict[str, str]:
        """Read the checkpoint and return its SHA-256 by its file name.

        Raises:
            WeightsError: the file is missing, damaged, or of another architecture.
        """
        return read_weights(self.checkpoint, self.ast)


def _statistics(checkpoint: HubModel) -> tuple[float, float]:
    """Return the mean and deviation of the filterbanks that the checkpoint was trained on."""
    download = checkpoint.reference != PUBLISHED
    preprocessing = checkpoint.find_json("preprocessor_config.json", download=download) or {}
    return preprocessing.get("mean", AUDIOSET_MEAN), preprocessing.get("std", AUDIOSET_STD)
