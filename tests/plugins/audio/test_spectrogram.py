from __future__ import annotations

import pytest
import torch
from transformers import ASTFeatureExtractor

from avprompt_audio.spectrogram import AUDIOSET_MEAN, AUDIOSET_STD, fixed_fbank

NOISE = 0.1 * torch.randn(2, 16000, generator=torch.Generator().manual_seed(0))


@pytest.mark.filterwarnings("ignore:At least one mel filter has all zero values")  # so in Kaldi
def test_it_equals_the_extractor_of_transformers() -> None:
    extract = ASTFeatureExtractor(max_length=128)
    theirs = extract(list(NOISE.numpy()), sampling_rate=16000, return_tensors="pt")["input_values"]
    torch.testing.assert_close(fixed_fbank(NOISE, 128, 128), theirs, atol=1e-4, rtol=0)


def test_late_frames_are_cut_off() -> None:
    # 1 s makes 98 frames.
    assert torch.equal(fixed_fbank(NOISE, 50, 128), fixed_fbank(NOISE, 98, 128)[:, :50])


def test_missing_frames_are_zeros_before_the_normalisation() -> None:
    padding = fixed_fbank(NOISE, 100, 128)[:, 98:]
    torch.testing.assert_close(padding, torch.full_like(padding, -AUDIOSET_MEAN / (2 * AUDIOSET_STD)))
