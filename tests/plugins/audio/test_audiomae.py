from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import load_file

from avprompt.errors import WeightsError
from avprompt.weights.files import measured_sha256
from avprompt_audio.audiomae import PUBLISHED, AudioMaeEncoder, AudioMaeOptions
from avprompt_audio.spectrogram import fixed_fbank

NOISE = 0.1 * torch.randn(2, 16000, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("pooling", ["token", "avg"])
def test_frames_are_the_normalised_patches_of_timms_model(
    write_audiomae: Callable[[str], Path], pooling: str
) -> None:
    folder = write_audiomae(pooling)
    encoder = AudioMaeEncoder(AudioMaeOptions(checkpoint=str(folder)))
    assert encoder.load_weights() == {"model.safetensors": measured_sha256(folder / "model.safetensors")}
    config = json.loads((folder / "config.json").read_text())
    vit: Any = timm.create_model(config["architecture"], **config["model_args"], num_classes=5).eval()
    vit.load_state_dict(load_file(folder / "model.safetensors"))
    with torch.no_grad():
        tokens = vit.fc_norm(vit.forward_features(fixed_fbank(NOISE, 1024, 128)[:, None]))
    torch.testing.assert_close(encoder(NOISE), tokens[:, 1:], atol=1e-5, rtol=0)
    assert (encoder.width, encoder.sample_rate) == (24, 16000)


def test_the_published_architecture_needs_no_file() -> None:
    with torch.device("meta"):
        encoder = AudioMaeEncoder(AudioMaeOptions())
    assert encoder.width == 768
    assert encoder.vit.patch_embed.num_patches == 512
    assert all(parameter.is_meta for parameter in encoder.parameters())
    with pytest.raises(WeightsError, match=f"avprompt weights fetch {PUBLISHED}"):
        encoder.load_weights()


def test_a_folder_without_weights(audiomae_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text((audiomae_folder / "config.json").read_text())
    encoder = AudioMaeEncoder(AudioMaeOptions(checkpoint=str(tmp_path)))
    with pytest.raises(WeightsError, match=r"there is no model\.safetensors or pytorch_model\.bin"):
        encoder.load_weights()


def test_configs_of_other_libraries(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "vit"}')
    with pytest.raises(WeightsError, match=r"it has no config\.json of timm"):
        AudioMaeEncoder(AudioMaeOptions(checkpoint=str(tmp_path)))
    (tmp_path / "config.json").write_text('{"architecture": "vit_of_nobody"}')
    with pytest.raises(WeightsError, match=r"timm cannot build what its config\.json says"):
        AudioMaeEncoder(AudioMaeOptions(checkpoint=str(tmp_path)))
