"""Published weights of the audio encoders that other libraries implement."""

from __future__ import annotations

from avprompt.plugin import WeightFile

AST = WeightFile(
    purpose="AST, fine-tuned on AudioSet: audio encoder ast",
    licence="BSD-3-Clause",
    source="https://huggingface.co/MIT/ast-finetuned-audioset-10-10-0.4593",
)
CLAP = WeightFile(
    purpose="CLAP's HTS-AT without feature fusion: audio encoder clap",
    licence="Apache-2.0",
    source="https://huggingface.co/laion/clap-htsat-unfused",
)
AUDIOMAE = WeightFile(
    purpose="AudioMAE ViT-B/16, pretrained on AudioSet-2M, ported to timm: audio encoder audiomae",
    licence="CC-BY-4.0",
    source="https://huggingface.co/gaunernst/vit_base_patch16_1024_128.audiomae_as2m",
)
