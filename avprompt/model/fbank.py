"""Kaldi's log-mel filterbank, batched, on the waveform's device.

The same numbers as `torchaudio.compliance.kaldi.fbank` with its defaults (dither 0, edges snipped,
mean removed from each frame, power spectrum, no energy), which most audio transformers were trained on.
Conventions: waveforms are (B, T), frames are 25 ms long and 10 ms apart, mel = 1127 ln(1 + Hz / 700).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np
import torch
from torch import Tensor

Window = Literal["povey", "hanning"]

FRAME_SECONDS, SHIFT_SECONDS = 0.025, 0.010
PREEMPHASIS = 0.97
LOWEST_HZ = 20.0
FLOOR = float(np.finfo(np.float32).eps)


@torch.compiler.disable  # type: ignore[untyped-decorator]  # cached constants, complex numbers
def kaldi_fbank(waveform: Tensor, *, bins: int = 128, rate: int = 16000, window: Window = "povey") -> Tensor:
    """Compute log-mel energies; the level of the waveform is kept, Kaldi expects 16-bit values.

    Always float32, whatever the autocast mode: a logarithm of half-precision energies is noise.

    Args:
        waveform: (B, T).
        bins: mel bands, equally wide in mel from 20 Hz to half the rate.
        rate: samples per second.
        window: Kaldi's own `povey` (Hann to the power 0.85), or `hanning`.

    Returns:
        (B, frames, bins), with no frame where T is shorter than 25 ms.
    """
    together = 1 if waveform.device.type == "cpu" else len(waveform)  # the frames of one clip fit in a cache
    with torch.autocast(waveform.device.type, enabled=False):
        parts = torch.split(waveform.float(), max(1, together))
        return torch.cat([_log_mel(part, bins, rate, window) for part in parts])


def _log_mel(waveform: Tensor, bins: int, rate: int, window: Window) -> Tensor:
    frames = _frames(waveform, rate)  # (B, frames, 25 ms)
    if frames.numel() == 0:  # torch 2.14 refuses to transform nothing
        return frames.new_zeros(*frames.shape[:2], bins)
    frames = _emphasise(frames - frames.mean(dim=-1, keepdim=True))
    size = frames.shape[-1]
    spectrum = torch.fft.rfft(frames * _window(size, window, waveform.device), n=_fft_size(size))
    power: Tensor = spectrum.abs().square()  # (B, frames, fft / 2 + 1)
    mel = power @ _mel_bands(bins, _fft_size(size), rate, waveform.device)
    return mel.clamp_min(FLOOR).log()


def frame_count(samples: int, rate: int = 16000) -> int:
    """Return how many frames `kaldi_fbank` makes of so many samples."""
    size, shift = round(FRAME_SECONDS * rate), round(SHIFT_SECONDS * rate)
    return 0 if samples < size else 1 + (samples - size) // shift


def _frames(waveform: Tensor, rate: int) -> Tensor:
    size, shift = round(FRAME_SECONDS * rate), round(SHIFT_SECONDS * rate)
    if waveform.shape[-1] < size:
        return waveform.new_zeros(len(waveform), 0, size)
    return waveform.unfold(-1, size, shift)


def _emphasise(frames: Tensor) -> Tensor:
    """Subtract 0.97 of the sample before; a frame's first sample counts as its own predecessor."""
    before = torch.cat([frames[..., :1], frames[..., :-1]], dim=-1)
    return frames - PREEMPHASIS * before


def _fft_size(size: int) -> int:
    return 1 << (size - 1).bit_length()


@lru_cache(maxsize=16)
def _window(size: int, kind: Window, device: torch.device) -> Tensor:
    hann = np.hanning(size)
    return _constant(hann**0.85 if kind == "povey" else hann, device)


@lru_cache(maxsize=16)
def _mel_bands(bins: int, fft_size: int, rate: int, device: torch.device) -> Tensor:
    """Return triangular weights (fft_size / 2 + 1, bins); Kaldi leaves the Nyquist line out."""
    hertz = np.arange(fft_size // 2) * rate / fft_size
    edges = np.linspace(_mel(LOWEST_HZ), _mel(rate / 2), bins + 2)
    rising = (_mel(hertz)[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - _mel(hertz)[:, None]) / (edges[2:] - edges[1:-1])
    triangles = np.maximum(0, np.minimum(rising, falling))
    return _constant(np.pad(triangles, ((0, 1), (0, 0))), device)


def _mel(hertz: np.ndarray | float) -> np.ndarray:
    return 1127 * np.log1p(np.asarray(hertz) / 700)


def _constant(values: np.ndarray, device: torch.device) -> Tensor:
    with torch.inference_mode(False):  # cached, so it must also serve a later backward pass
        return torch.from_numpy(values.astype(np.float32)).to(device)
