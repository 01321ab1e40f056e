from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import ASTFeatureExtractor, ASTForAudioClassification

from avprompt.data.media import read_audio
from avprompt.errors import WeightsError
from avprompt.records import Audio
from avprompt.weights.files import measured_sha256
from avprompt_audio.ast import PUBLISHED, AstEncoder, AstOptions
from avprompt_audio.spectrogram import fixed_fbank

NOISE = 0.1 * torch.randn(2, 16000, generator=torch.Generator().manual_seed(0))


@pytest.mark.filterwarnings("ignore:At least one mel filter has all zero values")  # so in Kaldi
def test_frames_are_the_patches_of_transformers_model(ast_folder: Path) -> None:
    encoder = AstEncoder(AstOptions(checkpoint=str(ast_folder)))
    assert encoder.load_weights() == {"model.safetensors": measured_sha256(ast_folder / "model.safetensors")}
    extract = ASTFeatureExtractor(max_length=256)
    inputs = extract(list(NOISE.numpy()), sampling_rate=16000, return_tensors="pt")
    model = ASTForAudioClassification.from_pretrained(ast_folder).eval()
    with torch.no_grad():
        tokens = model.audio_spectrogram_transformer(**inputs).last_hidden_state
    torch.testing.assert_close(encoder(NOISE), tokens[:, 2:], atol=1e-4, rtol=0)
    assert (encoder.width, encoder.sample_rate) == (32, 16000)


@pytest.mark.filterwarnings("ignore:At least one mel filter has all zero values")
def test_the_checkpoints_own_mean_and_deviation_are_used(ast_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(ast_folder, tmp_path / "speech")
    ASTFeatureExtractor(mean=-6.8, std=5.5).save_pretrained(folder)
    encoder = AstEncoder(AstOptions(checkpoint=str(folder)))
    assert (encoder.mean, encoder.std) == (-6.8, 5.5)


@pytest.mark.parametrize("seconds", [1.0, 3.0, 7.3, 10.0, 12.0])
@pytest.mark.filterwarnings("ignore:At least one mel filter has all zero values")
def test_sounds_are_padded_and_cut_as_by_the_extractor_of_transformers(seconds: float) -> None:
    assert AstEncoder.pads_short_sounds
    recording = Audio(0.1 * np.random.default_rng(0).standard_normal(round(16000 * seconds)), 16000)
    waveform = read_audio(recording, 16000, 10.0, pad=False)
    theirs = ASTFeatureExtractor()(waveform, sampling_rate=16000, return_tensors="pt")["input_values"]
    assert len(waveform) == 16000 * min(seconds, 10.0)
    ours = fixed_fbank(torch.from_numpy(waveform)[None], 1024, 128)
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=0)


def test_the_published_architecture_needs_no_file() -> None:
    with torch.device("meta"):
        encoder = AstEncoder(AstOptions())
    assert encoder.width == 768
    assert sum(parameter.numel() for parameter in encoder.parameters()) == 86_187_264
    assert all(parameter.is_meta for parameter in encoder.parameters())
    with pytest.raises(WeightsError, match=f"avprompt weights fetch {PUBLISHED}"):
        encoder.load_weights()


def test_an_incomplete_checkpoint_is_refused(ast_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(ast_folder, tmp_path / "torn")
    state = load_file(folder / "model.safetensors")
    del state["audio_spectrogram_transformer.layernorm.bias"]
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(WeightsError, match=r"does not fit its config\.json: .*layernorm\.bias is not there"):
        AstEncoder(AstOptions(checkpoint=str(folder))).load_weights()


def test_weights_of_another_size_are_refused(ast_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(ast_folder, tmp_path / "wide")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "intermediate_size": 64}))
    with pytest.raises(WeightsError):
        AstEncoder(AstOptions(checkpoint=str(folder))).load_weights()


def test_a_folder_without_a_config(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"it has no config\.json\.\nPut its files in"):
        AstEncoder(AstOptions(checkpoint=str(tmp_path)))
