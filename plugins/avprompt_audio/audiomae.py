"""The audio encoder `audiomae`: AudioMAE (arXiv 2207.06405), a vision transformer of timm."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from avprompt.plugin import AudioEncoder, HubModel, Options, fill, read_tensors, verified_sha256
from avprompt_audio.pretrained import OPTION, build
from avprompt_audio.spectrogram import SAMPLE_RATE, fixed_fbank

PUBLISHED = "gaunernst/vit_base_patch16_1024_128.audiomae_as2m"
PUBLISHED_CONFIG: dict[str, Any] = {"architecture": "vit_base_patch16_224"}
INPUT_SIZE = (1, 1024, 128)  # channels, frames, mel bands


class AudioMaeOptions(Options):
    """Options of AudioMAE.

    Attributes:
        checkpoint: hub name, or folder, of a timm model: config.json and model.safetensors.
    """

    checkpoint: str = PUBLISHED


class AudioMaeEncoder(AudioEncoder):
    """AudioMAE: waveforms (B, T) to frames (B, L, W), one for each patch of the first 10.24 s.

    The transformer's last norm is applied to every token, also where the checkpoint was fine-tuned
    with that norm after pooling.
    """

    Config = AudioMaeOptions
    pads_short_sounds = True
    vit: Any

    def __init__(self, config: AudioMaeOptions) -> None:
        import timm

        super().__init__(config)
        self.checkpoint = HubModel(config.checkpoint, "AudioMAE checkpoint", OPTION)
        architecture, arguments = _architecture(self.checkpoint)
        try:
            self.vit = build(lambda: timm.create_model(architecture, **arguments))
        except (RuntimeError, TypeError) as error:
            raise self.checkpoint.missing(f"timm cannot build what its config.json says ({error})") from error
        self.sample_rate = SAMPLE_RATE
        self.width = self.vit.embed_dim
        self.freeze()

    def forward(self, waveform: Tensor) -> Tensor:
        """Encode (B, T) in -1..1 at 16 kHz to frames (B, L, W), time-major."""
        frames, bins = self.vit.patch_embed.img_size
        fbank = fixed_fbank(waveform, frames, bins).unsqueeze(1)  # (B, 1, frames, bins)
        tokens: Tensor = self.vit.forward_features(fbank)
        return tokens[:, self.vit.num_prefix_tokens :]

    def load_weights(self) -> dict[str, str]:
        """Read the checkpoint and return its SHA-256 by its file name.

        Raises:
            WeightsError: the file is missing, damaged, or of another architecture.
        """
        path = self.checkpoint.find_weights()
        state = {
            name.replace("fc_norm.", "norm."): tensor
            for name, tensor in read_tensors(path).items()
            if not name.startswith("head.")
        }
        fill(self.vit, state, path)
        return {path.name: verified_sha256(path)}


def _architecture(checkpoint: HubModel) -> tuple[str, dict[str, Any]]:
    """Return timm's name of the architecture and the arguments that make it.

    Raises:
        WeightsError: there is no config, or none of timm.
    """
    published = checkpoint.reference == PUBLISHED
    config = checkpoint.find_json("config.json", download=not published)
    config = config or (PUBLISHED_CONFIG if published else {})
    if "architecture" not in config:
        raise checkpoint.missing("it has no config.json of timm")
    channels, *image_size = config.get("pretrained_cfg", {}).get("input_size", INPUT_SIZE)
    given = {"in_chans": channels, "img_size": tuple(image_size), **config.get("model_args", {})}
    return config["architecture"], {**given, "num_classes": 0, "global_pool": ""}
