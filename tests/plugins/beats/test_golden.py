"""The outputs of the official code, on the CPU and on a GPU where there is one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from avprompt_beats.encoder import BeatsEncoder, BeatsOptions
from avprompt_beats.model import spectrogram


@pytest.fixture
def encoder(golden_checkpoint: Path, device: torch.device) -> BeatsEncoder:
    encoder = BeatsEncoder(BeatsOptions(checkpoint=str(golden_checkpoint)))
    encoder.load_weights()
    return encoder.to(device)


def test_filterbank(golden: dict[str, Tensor], device: torch.device) -> None:
    ours = spectrogram(golden["waveform"].to(device)).cpu()
    torch.testing.assert_close(ours, golden["fbank"], atol=1e-3, rtol=0)


def test_layers(encoder: BeatsEncoder, golden: dict[str, Tensor], device: torch.device) -> None:
    ours = encoder(golden["waveform"].to(device)).cpu()
    torch.testing.assert_close(ours, golden["layers_4_8_12"], atol=1e-4, rtol=0)


def test_layers_in_bfloat16(encoder: BeatsEncoder, golden: dict[str, Tensor], device: torch.device) -> None:
    # Outputs have a deviation of about 1; bfloat16 has 8 bits, and twelve layers add up.
    with torch.autocast(device.type, torch.bfloat16):
        ours = encoder(golden["waveform"].to(device)).float().cpu()
    torch.testing.assert_close(ours, golden["layers_4_8_12"], atol=0.15, rtol=0)
    assert (ours - golden["layers_4_8_12"]).square().mean().sqrt() < 0.02


def test_the_whole_golden_batch(shared: Path, encoder: BeatsEncoder, device: torch.device) -> None:
    official = load_file(shared / "golden" / "acl_tiny" / "acl_tiny_io.safetensors")
    waveform = official["audio.waveform"].to(device)
    assert (spectrogram(waveform).cpu() - official["beats.fbank"]).abs().max() < 1e-3
    assert (encoder(waveform).cpu() - official["beats.layers_4_8_12"]).abs().max() < 1e-4
    assert (encoder.beats(waveform)[-1].cpu() - official["beats.last"]).abs().max() < 1e-4
