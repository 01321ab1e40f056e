from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import ClapFeatureExtractor, ClapModel

from avprompt.data.media import read_audio
from avprompt.errors import WeightsError
from avprompt.records import Audio
from avprompt.weights.files import measured_sha256
from avprompt_audio.clap import PUBLISHED, ClapEncoder, ClapOptions, log_mel, ten_seconds

NOISE = 0.1 * torch.randn(1, 48000 * 3, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("truncation", "slaney"), [("rand_trunc", True), ("fusion", False)])
def test_the_spectrogram_equals_the_extractor_of_transformers(truncation: str, slaney: bool) -> None:
    extract = ClapFeatureExtractor(truncation=truncation)
    theirs = extract(NOISE[0].numpy(), sampling_rate=48000, return_tensors="pt")["input_features"]
    ours = log_mel(ten_seconds(NOISE), 64, slaney=slaney)
    torch.testing.assert_close(ours, theirs[:, 0], atol=2e-3, rtol=0)  # dB


def test_short_sounds_repeat_and_long_ones_are_cut() -> None:
    repeated = ten_seconds(NOISE)
    assert torch.equal(repeated[:, : 9 * 48000], NOISE.repeat(1, 3))
    assert not repeated[:, 9 * 48000 :].any()
    assert torch.equal(ten_seconds(NOISE.repeat(1, 5)), NOISE.repeat(1, 4)[:, : 10 * 48000])
    assert ten_seconds(torch.zeros(2, 0)).shape == (2, 480000)


@pytest.mark.parametrize("seconds", [1.0, 3.0, 7.3, 10.0, 12.0])
def test_sounds_are_padded_as_by_the_extractor_of_transformers(seconds: float) -> None:
    assert ClapEncoder.pads_short_sounds
    recording = Audio(0.1 * np.random.default_rng(0).standard_normal(round(48000 * seconds)), 48000)
    waveform = read_audio(recording, 48000, 10.0, pad=False)
    extract = ClapFeatureExtractor(truncation="rand_trunc")
    theirs = extract(waveform, sampling_rate=48000, return_tensors="pt")["input_features"]
    assert len(waveform) == 48000 * min(seconds, 10.0), "of long sounds the first 10 s, not any 10 s"
    ours = log_mel(ten_seconds(torch.from_numpy(waveform)[None]), 64, slaney=True)
    torch.testing.assert_close(ours, theirs[:, 0], atol=2e-3, rtol=0)  # dB


@pytest.mark.parametrize("fused", [False, True])
def test_frames_are_the_last_map_of_transformers_model(
    write_clap: Callable[[bool], Path], fused: bool
) -> None:
    folder = write_clap(fused)
    encoder = ClapEncoder(ClapOptions(checkpoint=str(folder)))
    assert encoder.load_weights() == {"model.safetensors": measured_sha256(folder / "model.safetensors")}
    extract = ClapFeatureExtractor(truncation="fusion" if fused else "rand_trunc")
    inputs = extract(NOISE[0].numpy(), sampling_rate=48000, return_tensors="pt")
    model = ClapModel.from_pretrained(folder).eval()
    with torch.no_grad():
        grid = model.audio_model(inputs["input_features"], torch.tensor([[False]])).last_hidden_state
    frames = encoder(NOISE)
    assert frames.shape[-1] == encoder.width == grid.shape[1]
    torch.testing.assert_close(frames, grid.flatten(2).transpose(1, 2), atol=1e-3, rtol=0)


def test_the_published_architecture_needs_no_file() -> None:
    with torch.device("meta"):
        encoder = ClapEncoder(ClapOptions())
    assert (encoder.width, encoder.sample_rate) == (768, 48000)
    assert all(parameter.is_meta for parameter in encoder.parameters())
    with pytest.raises(WeightsError, match=f"avprompt weights fetch {PUBLISHED}"):
        encoder.load_weights()
