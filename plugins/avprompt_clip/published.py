"""Published weights of CLIP and of CLIPSeg."""

from __future__ import annotations

from avprompt.plugin import WeightFile

OPEN_CLIP_FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
CLIPSEG = WeightFile(
    purpose="CLIP ViT-B/16 and CLIPSeg's refined mask decoder: backbone clipseg, encoder set published",
    licence="Apache-2.0",
    source="https://huggingface.co/CIDAS/clipseg-rd64-refined",
)
OPENAI_VIT_B_16 = WeightFile(
    purpose="OpenAI's CLIP ViT-B/16 for open_clip: backbone open_clip, tag openai",
    licence="Apache-2.0",
    source="https://huggingface.co/timm/vit_base_patch16_clip_224.openai",
    files=OPEN_CLIP_FILES,
    note="The same weights as in CLIPSeg, whose files are enough for backbone clipseg.",
)
