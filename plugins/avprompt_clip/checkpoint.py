"""CLIPSeg checkpoints in the Hugging Face format: their numbers, and their mask decoder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from avprompt.plugin import DecoderCheckpoint, HubModel, read_tensors

# The published checkpoints differ from one another in these numbers alone, so no file is needed.
PUBLISHED: dict[str, dict[str, Any]] = {
    "CIDAS/clipseg-rd16": {"reduce_dim": 16, "use_complex_transposed_convolution": False},
    "CIDAS/clipseg-rd64": {"reduce_dim": 64, "use_complex_transposed_convolution": False},
    "CIDAS/clipseg-rd64-refined": {"reduce_dim": 64, "use_complex_transposed_convolution": True},
}
_PUBLISHED_PATCHES = {"vision_config": {"patch_size": 16}}


def clipseg_checkpoint(reference: str, option: str = "backbone.checkpoint") -> HubModel:
    """Return the CLIPSeg checkpoint of a folder or hub name that `option` gives."""
    return HubModel(reference, "CLIPSeg checkpoint", option)


def read_config(checkpoint: HubModel) -> dict[str, Any]:
    """Return the content of `config.json`; those of the published checkpoints are known without it.

    Raises:
        WeightsError: there is none and it cannot be fetched.
    """
    known = PUBLISHED.get(checkpoint.reference)
    config = checkpoint.find_json("config.json", download=known is None)
    if config is not None:
        return config
    if known is None:
        raise checkpoint.missing("it has no config.json")
    return known | _PUBLISHED_PATCHES


def weight_file(checkpoint: HubModel) -> Path:
    """Return the file with the tensors of backbone and decoder.

    Raises:
        WeightsError: it is not here and cannot be fetched.
    """
    return checkpoint.find_weights()


def read_decoder(checkpoint: HubModel) -> DecoderCheckpoint:
    """Return the mask decoder of a checkpoint: its numbers, and how to read its tensors."""
    config = read_config(checkpoint)
    architecture = {
        "reduce_dim": config.get("reduce_dim", 64),
        "heads": config.get("decoder_num_attention_heads", 4),
        "intermediate": config.get("decoder_intermediate_size", 2048),
        "complex_transposed": config.get("use_complex_transposed_convolution", False),
        "conditional_layer": config.get("conditional_layer", 0),
    }
    return DecoderCheckpoint(architecture, lambda: read_tensors(weight_file(checkpoint), "decoder."))
