from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from avprompt.model.fbank import frame_count, kaldi_fbank


def mel(hertz: float) -> float:
    return 1127 * math.log(1 + hertz / 700)


def reference_frame(samples: np.ndarray, bins: int, window: str) -> np.ndarray:
    """One frame of Kaldi's filterbank at 16 kHz, from its documentation, sum by sum in double precision."""
    frame = samples - samples.mean()
    previous = np.concatenate([frame[:1], frame[:-1]])
    frame = frame - 0.97 * previous
    hann = 0.5 - 0.5 * np.cos(2 * math.pi * np.arange(400) / 399)
    frame = frame * (hann**0.85 if window == "povey" else hann)
    turns = np.outer(np.arange(256), np.arange(400)) / 512
    power = np.abs(np.exp(-2j * math.pi * turns) @ frame) ** 2
    step = (mel(8000) - mel(20)) / (bins + 1)
    energies = []
    for band in range(bins):
        left = mel(20) + band * step
        distance = [abs(mel(line * 16000 / 512) - left - step) / step for line in range(256)]
        energies.append(sum(max(0, 1 - d) * p for d, p in zip(distance, power, strict=True)))
    return np.log(np.maximum(energies, np.finfo(np.float32).eps))


@pytest.mark.parametrize("window", ["povey", "hanning"])
def test_one_frame_against_the_definition(window: str) -> None:
    samples = 1000 * np.random.default_rng(0).standard_normal(400) + 300
    ours = kaldi_fbank(torch.tensor(samples[None]), bins=40, window=window)[0, 0]  # type: ignore[arg-type]
    np.testing.assert_allclose(ours.numpy(), reference_frame(samples, 40, window), atol=2e-4)


def test_a_tone_is_loudest_in_its_band() -> None:
    tone = 1000 * torch.sin(2 * math.pi * 1000 * torch.arange(16000) / 16000)
    loudest = kaldi_fbank(tone[None], bins=128).mean(1).argmax()
    assert abs(loudest + 1 - 129 * (mel(1000) - mel(20)) / (mel(8000) - mel(20))) < 1


@pytest.mark.parametrize(
    ("samples", "frames"), [(0, 0), (399, 0), (400, 1), (559, 1), (560, 2), (160000, 998)]
)
def test_edges_are_snipped(samples: int, frames: int) -> None:
    assert frame_count(samples) == frames
    assert kaldi_fbank(torch.zeros(2, samples)).shape == (2, frames, 128)


def test_silence_is_the_logarithm_of_the_floor() -> None:
    energies = kaldi_fbank(torch.zeros(1, 400))
    torch.testing.assert_close(energies, torch.full_like(energies, math.log(2**-23)))


def test_half_precision_around_it_changes_nothing() -> None:
    waveform = 1000 * torch.randn(1, 1600, generator=torch.Generator().manual_seed(0))
    with torch.autocast("cpu", torch.bfloat16):
        ours = kaldi_fbank(waveform)
    assert torch.equal(ours, kaldi_fbank(waveform))


def test_gradients_flow_even_after_inference_mode() -> None:
    with torch.inference_mode():
        kaldi_fbank(torch.zeros(1, 400), bins=23)
    waveform = torch.randn(1, 400, requires_grad=True)
    energies = kaldi_fbank(waveform, bins=23)
    (gradient,) = torch.autograd.grad(energies.sum(), waveform)
    assert gradient.isfinite().all()
