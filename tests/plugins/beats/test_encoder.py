from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch
from torch import Tensor

from avprompt.errors import ConfigError, WeightsError
from avprompt_beats import checkpoint
from avprompt_beats.encoder import BeatsEncoder, BeatsOptions
from avprompt_beats.model import Beats
from avprompt_beats.published import FINETUNED_NAME


def test_layers_stand_side_by_side(golden_checkpoint: Path, golden: dict[str, Tensor]) -> None:
    encoder = BeatsEncoder(BeatsOptions(checkpoint=str(golden_checkpoint), layers=(12, 0)))
    encoder.load_weights()
    outputs = encoder.beats(golden["waveform"])
    assert encoder.width == 64
    torch.testing.assert_close(
        encoder(golden["waveform"]), torch.cat([outputs[12], outputs[0]], -1), atol=0, rtol=0
    )


def test_loading_reports_the_checksum(golden_checkpoint: Path) -> None:
    digest = hashlib.sha256(golden_checkpoint.read_bytes()).hexdigest()
    encoder = BeatsEncoder(BeatsOptions(checkpoint=str(golden_checkpoint)))
    assert encoder.load_weights() == {"beats_tiny.pt": digest}


def test_the_encoder_stays_frozen(golden_checkpoint: Path, golden: dict[str, Tensor]) -> None:
    encoder = BeatsEncoder(BeatsOptions(checkpoint=str(golden_checkpoint)))
    encoder.load_weights()
    before = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    encoder.train()
    frames = encoder(golden["waveform"])
    assert not frames.requires_grad
    assert not any(module.training for module in encoder.modules())
    assert all(torch.equal(before[name], tensor) for name, tensor in encoder.state_dict().items())


def test_an_absent_checkpoint_leaves_the_published_architecture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AVPROMPT_HOME", str(tmp_path))
    with torch.device("meta"):
        encoder = BeatsEncoder(BeatsOptions())
    assert encoder.width == 3 * 768
    with pytest.raises(WeightsError) as missing:
        encoder.load_weights()
    fetch = f"avprompt weights fetch {FINETUNED_NAME}"
    for help_ in (fetch, "microsoft/unilm", str(tmp_path), "--set audio_encoder.checkpoint=PATH"):
        assert help_ in str(missing.value)


def test_the_meta_device_reads_the_architecture_only(golden_checkpoint: Path) -> None:
    with torch.device("meta"):
        encoder = BeatsEncoder(BeatsOptions(checkpoint=str(golden_checkpoint)))
    assert encoder.width == 96
    assert all(parameter.is_meta for parameter in encoder.parameters())


def test_weights_of_another_architecture(beats: Beats, golden_checkpoint: Path, tmp_path: Path) -> None:
    path = tmp_path / "beats.safetensors"
    checkpoint.save(beats, path)
    encoder = BeatsEncoder(BeatsOptions(checkpoint=str(path), layers=(1,)))
    checkpoint.save(Beats(checkpoint.read_architecture(golden_checkpoint)), path)  # changed behind its back
    with pytest.raises(WeightsError, match=r"beats\.safetensors' does not fit this architecture"):
        encoder.load_weights()


def test_a_layer_that_does_not_exist(beats: Beats, tmp_path: Path) -> None:
    path = tmp_path / "beats.safetensors"
    checkpoint.save(beats, path)
    with pytest.raises(ConfigError, match=r"layers must lie in 0\.\.3.*got \[4, 8, 12\]"):
        BeatsEncoder(BeatsOptions(checkpoint=str(path)))
