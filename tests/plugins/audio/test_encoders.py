"""What holds for every encoder of the plugin."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from avprompt.model.parts import AudioEncoder
from avprompt.testing import check_audio_encoder
from avprompt_audio.ast import AstEncoder
from avprompt_audio.audiomae import AudioMaeEncoder
from avprompt_audio.clap import ClapEncoder

ENCODERS: dict[str, type[AudioEncoder]] = {
    "audiomae_folder": AudioMaeEncoder,
    "ast_folder": AstEncoder,
    "clap_folder": ClapEncoder,
}


@pytest.fixture(params=ENCODERS)
def encoder(request: pytest.FixtureRequest) -> AudioEncoder:
    kind = ENCODERS[request.param]
    folder: Path = request.getfixturevalue(request.param)
    made = kind(kind.Config.model_validate({"checkpoint": str(folder)}))
    made.load_weights()
    return made


def test_silence_is_finite(encoder: AudioEncoder) -> None:
    frames = encoder(torch.zeros(2, encoder.sample_rate))
    assert frames.shape[::2] == (2, encoder.width)
    assert frames.isfinite().all()


def test_short_sounds_make_as_many_frames(encoder: AudioEncoder) -> None:
    check_audio_encoder(encoder)
    assert encoder.pads_short_sounds


def test_it_stays_frozen(encoder: AudioEncoder) -> None:
    before = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    encoder.train()
    assert not encoder(torch.randn(2, encoder.sample_rate)).requires_grad
    assert not any(module.training for module in encoder.modules())
    assert all(torch.equal(before[name], tensor) for name, tensor in encoder.state_dict().items())


def test_a_batch_equals_its_parts(encoder: AudioEncoder) -> None:
    waveform = 0.1 * torch.randn(2, encoder.sample_rate, generator=torch.Generator().manual_seed(1))
    apart = torch.cat([encoder(waveform[:1]), encoder(waveform[1:])])
    torch.testing.assert_close(encoder(waveform), apart, atol=1e-4, rtol=0)
