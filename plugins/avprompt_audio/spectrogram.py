"""The input that transformers trained on AudioSet take: a filterbank of a fixed number of frames."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from avprompt.model.fbank import kaldi_fbank

SAMPLE_RATE = 16000
AUDIOSET_MEAN, AUDIOSET_STD = -4.2677393, 4.5689974


def fixed_fbank(
    waveform: Tensor, frames: int, bins: int, mean: float = AUDIOSET_MEAN, std: float = AUDIOSET_STD
) -> Tensor:
    """Compute the normalised filterbank (B, frames, bins) of (B, T) in -1..1 at 16 kHz.

    Later frames are cut off. Missing ones, of sounds that come as short as they are, are zeros before the
    normalisation, as in AST (arXiv 2104.01778) and AudioMAE (arXiv 2207.06405): a value like that of faint
    noise, not silence.
    """
    fbank = kaldi_fbank(waveform, bins=bins, rate=SAMPLE_RATE, window="hanning")[:, :frames]
    fbank = F.pad(fbank, (0, 0, 0, frames - fbank.shape[1]))
    return (fbank - mean) / (2 * std)
