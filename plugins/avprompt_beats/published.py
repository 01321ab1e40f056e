"""Published weights of BEATs."""

from __future__ import annotations

from avprompt.plugin import WeightFile

FINETUNED_NAME = "BEATs_iter3_plus_AS2M_finetuned_on_AS2M_cpt2.pt"
PRETRAINED_NAME = "BEATs_iter3_plus_AS2M.pt"

_SOURCE = "https://github.com/microsoft/unilm/tree/master/beats"
_HUB = "https://huggingface.co"

FINETUNED = WeightFile(
    purpose="BEATs iter3+, fine-tuned on AudioSet-2M: audio encoder beats, encoder set published",
    licence="MIT",
    source=_SOURCE,
    urls=(
        f"{_HUB}/Jayson236/BEATs/resolve/bec1b7edffe2d6243bba4e85a400a2aa85b4383f/{FINETUNED_NAME}",
        f"{_HUB}/THUdyh/Ola_speech_encoders/resolve/main/{FINETUNED_NAME}",
    ),
    size=363_145_291,
    # Microsoft publishes none. This is what the hub states of three copies by different people.
    sha256="e5815275a04b6885e7b8af63d120b29bffae2cd2225cf4915e1ec6d819d3022c",
    note="Microsoft's links (OneDrive) are often dead, so copies on the hub are fetched and checked.",
)
PRETRAINED = WeightFile(
    purpose="BEATs iter3+, pretrained only: --set audio_encoder.checkpoint=" + PRETRAINED_NAME,
    licence="MIT",
    source=_SOURCE,
    urls=(f"{_HUB}/datasets/Bencr/beats-checkpoints/resolve/main/{PRETRAINED_NAME}",),
    note="Microsoft's links (OneDrive) are often dead, so a copy on the hub is fetched.",
)
