"""Checkpoints of the published sizes in their official formats, filled with random numbers."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

CLIPSEG = "clipseg-rd64-refined"
BEATS = "BEATs_iter3_plus_AS2M_finetuned_on_AS2M_cpt2.pt"
CLASSES = 527


def write_clipseg(folder: Path) -> Path:
    """Write CLIPSeg rd64-refined as transformers saves it: a folder with config.json and safetensors."""
    from transformers import CLIPSegConfig, CLIPSegForImageSegmentation
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    config = CLIPSegConfig(
        vision_config={"patch_size": 16}, reduce_dim=64, use_complex_transposed_convolution=True
    )
    CLIPSegForImageSegmentation(config).save_pretrained(folder / CLIPSEG)
    return folder / CLIPSEG


def write_beats(folder: Path) -> Path:
    """Write BEATs iter3+ fine-tuned on AudioSet as its authors do: `{"cfg", "model"}`, predictor included."""
    from avprompt_beats.model import ITER3_PLUS_AS2M, Beats

    cfg = {**ITER3_PLUS_AS2M.model_dump(), "finetuned_model": True, "predictor_class": CLASSES}
    model = Beats(ITER3_PLUS_AS2M)
    model.predictor = nn.Linear(ITER3_PLUS_AS2M.encoder_embed_dim, CLASSES)
    torch.save({"cfg": cfg, "model": model.state_dict()}, folder / BEATS)
    return folder / BEATS


def overrides(folder: Path) -> tuple[str, ...]:
    """Return the `--set` options that name the checkpoints in a folder."""
    return (f"backbone.checkpoint={folder / CLIPSEG}", f"audio_encoder.checkpoint={folder / BEATS}")
