"""Checkpoints of the published sizes in their official formats, filled with random numbers.

`small` ones have the same architecture in a size that computes in a blink.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

if TYPE_CHECKING:
    from transformers import CLIPSegConfig

CLIPSEG = "clipseg-rd64-refined"
BEATS = "BEATs_iter3_plus_AS2M_finetuned_on_AS2M_cpt2.pt"
CLASSES = 527

SMALL_TOWER = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 4, "num_attention_heads": 2}
SMALL_CLIPSEG: dict[str, Any] = {
    "vision_config": {**SMALL_TOWER, "patch_size": 16, "image_size": 64},
    "text_config": SMALL_TOWER,
    "projection_dim": 32,
    "extract_layers": [0, 1, 2],
    "reduce_dim": 16,
    "decoder_intermediate_size": 32,
}
SMALL_BEATS = {
    "embed_dim": 32,
    "encoder_embed_dim": 32,
    "encoder_ffn_embed_dim": 64,
    "encoder_attention_heads": 2,
    "conv_pos": 16,
    "conv_pos_groups": 2,
}


def write_clipseg(folder: Path, *, small: bool = False) -> Path:
    """Write CLIPSeg rd64-refined as transformers saves it: a folder with config.json and safetensors."""
    from transformers import CLIPSegForImageSegmentation
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    model = CLIPSegForImageSegmentation(write_clipseg_config(folder, small=small))
    for layer in model.decoder.modules():
        if callable(reset := getattr(layer, "reset_parameters", None)):
            reset()  # transformers' own draw makes logits of many hundreds
    model.save_pretrained(folder / CLIPSEG)
    return folder / CLIPSEG


def write_clipseg_config(folder: Path, *, small: bool = False) -> CLIPSegConfig:
    """Write its config.json alone, which is enough for an architecture without weights."""
    from transformers import CLIPSegConfig

    shape = SMALL_CLIPSEG if small else {"vision_config": {"patch_size": 16}, "reduce_dim": 64}
    config = CLIPSegConfig(**shape, use_complex_transposed_convolution=True)
    config.save_pretrained(folder / CLIPSEG)
    return config


def write_beats(folder: Path, *, small: bool = False) -> Path:
    """Write BEATs iter3+ fine-tuned on AudioSet as its authors do: `{"cfg", "model"}`, predictor included."""
    from avprompt_beats.architecture import ITER3_PLUS_AS2M
    from avprompt_beats.model import Beats

    arch = ITER3_PLUS_AS2M.model_copy(update=SMALL_BEATS if small else {})
    cfg = {**arch.model_dump(), "finetuned_model": True, "predictor_class": CLASSES}
    model = Beats(arch)
    model.predictor = nn.Linear(arch.encoder_embed_dim, CLASSES)
    torch.save({"cfg": cfg, "model": model.state_dict()}, folder / BEATS)
    return folder / BEATS


def checkpoint_options(folder: Path) -> tuple[str, ...]:
    """Return the `--set` options that name the checkpoints in a folder."""
    return (f"backbone.checkpoint={folder / CLIPSEG}", f"audio_encoder.checkpoint={folder / BEATS}")
