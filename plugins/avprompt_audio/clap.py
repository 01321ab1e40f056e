"""The audio encoder `clap`: the HTS-AT of LAION's CLAP (arXiv 2211.06687) of transformers."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from avprompt.plugin import AudioEncoder, HubModel, Options
from avprompt_audio.pretrained import OPTION, build, read_config, read_weights

PUBLISHED = "laion/clap-htsat-unfused"
SAMPLE_RATE = 48000
SAMPLES = 10 * SAMPLE_RATE
FFT, HOP = 1024, 480
HIGHEST_HZ = 14000


class ClapOptions(Options):
    """Options of CLAP.

    Attributes:
        checkpoint: hub name, or folder in the format of transformers.
    """

    checkpoint: str = PUBLISHED


class ClapEncoder(AudioEncoder):
    """CLAP: waveforms (B, T) to frames (B, L, W), the last feature map of the first 10 s.

    The map is 2 (mel) x 32 (time) in the published model, mel-major: L = 64.
    """

    Config = ClapOptions
    pads_short_sounds = True

    def __init__(self, config: ClapOptions) -> None:
        from transformers import ClapAudioConfig, ClapAudioModelWithProjection

        super().__init__(config)
        self.checkpoint = HubModel(config.checkpoint, "CLAP checkpoint", OPTION)
        self.architecture = read_config(self.checkpoint, ClapAudioConfig, PUBLISHED)
        self.clap = build(lambda: ClapAudioModelWithProjection(self.architecture))
        self.sample_rate = SAMPLE_RATE
        stages = len(self.architecture.depths)
        self.width = int(self.architecture.patch_embeds_hidden_size * 2 ** (stages - 1))
        self.freeze()

    def forward(self, waveform: Tensor) -> Tensor:
        """Encode (B, T) in -1..1 at 48 kHz to frames (B, L, W)."""
        fused = self.architecture.enable_fusion
        mel = log_mel(ten_seconds(waveform), self.architecture.num_mel_bins, slaney=not fused)
        features = mel.unsqueeze(1).expand(-1, 4 if fused else 1, -1, -1)  # (B, views, frames, bins)
        longer = torch.zeros(len(mel), 1, dtype=torch.bool, device=mel.device)
        grid: Tensor = self.clap.audio_model(features, is_longer=longer).last_hidden_state
        return grid.flatten(2).transpose(1, 2)  # (B, L, W)

    def load_weights(self) -> dict[str, str]:
        """Read the checkpoint and return its SHA-256 by its file name.

        Raises:
            WeightsError: the file is missing, damaged, or of another architecture.
        """
        return read_weights(self.checkpoint, self.clap)


def ten_seconds(waveform: Tensor) -> Tensor:
    """Make (B, T) exactly 10 s long: cut, or repeated as often as it fits and then zeros."""
    samples = waveform.shape[-1]
    if samples and samples < SAMPLES:
        waveform = waveform.repeat(1, SAMPLES // samples)
    return F.pad(waveform[:, :SAMPLES], (0, max(0, SAMPLES - waveform.shape[-1])))


def log_mel(waveform: Tensor, bins: int, *, slaney: bool) -> Tensor:
    """Compute the mel spectrogram of (B, T) at 48 kHz in dB, (B, 1 + T // 480, bins), in float32.

    Args:
        waveform: (B, T).
        bins: mel bands up to 14 kHz.
        slaney: librosa's bands, as the unfused checkpoints; otherwise torchaudio's (HTK).
    """
    device = waveform.device
    with torch.autocast(device.type, enabled=False):
        window = torch.hann_window(FFT, device=device)
        spectrum = torch.stft(waveform.float(), FFT, HOP, window=window, return_complex=True)
        power = spectrum.abs().square().transpose(1, 2)  # (B, frames, FFT / 2 + 1)
        energies: Tensor = power @ _mel_bands(bins, slaney, device)
        return energies.clamp_min(1e-10).log() * (10 / math.log(10))


@lru_cache(maxsize=4)
def _mel_bands(bins: int, slaney: bool, device: torch.device) -> Tensor:
    from transformers.audio_utils import mel_filter_bank

    scale, norm = ("slaney", "slaney") if slaney else ("htk", None)
    bands = mel_filter_bank(FFT // 2 + 1, bins, 0, HIGHEST_HZ, SAMPLE_RATE, norm=norm, mel_scale=scale)
    with torch.inference_mode(False):  # cached, so it must also serve a later backward pass
        return torch.from_numpy(bands.astype(np.float32)).to(device)
