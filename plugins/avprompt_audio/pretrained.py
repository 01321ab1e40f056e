"""What the encoders from transformers have in common: configs and weights in the hub's layout."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from safetensors import SafetensorError
from torch import nn

from avprompt.plugin import HubModel, WeightsError, verified_sha256

OPTION = "audio_encoder.checkpoint"


def build(make: Callable[[], Any]) -> Any:
    """Build a module on the CPU and move it to the default device.

    Older releases of timm and transformers read numbers off tensors while they build, and on the meta
    device there are none.
    """
    with torch.device("cpu"):
        module = make()
    return module.to(torch.empty(0).device)  # torch 2.5 knows no other way to ask inside `with`


def read_config(checkpoint: HubModel, config_class: Any, published: str) -> Any:
    """Return a model's config of transformers.

    Args:
        checkpoint: whose config is read.
        config_class: of transformers.
        published: the hub name whose config is the class's default and needs no file.

    Raises:
        WeightsError: there is none.
    """
    if path := checkpoint.find("config.json", download=checkpoint.reference != published):
        return config_class.from_pretrained(path.parent)
    if checkpoint.reference == published:
        return config_class()
    raise checkpoint.missing("it has no config.json")


def read_weights(checkpoint: HubModel, into: nn.Module) -> dict[str, str]:
    """Fill a module of transformers; its loader knows how older checkpoints call their tensors.

    Returns:
        The SHA-256 of the weight file by its name.

    Raises:
        WeightsError: missing, damaged, or incomplete; transformers would only warn of the last.
    """
    path = checkpoint.find_weights()
    try:
        read, report = type(into).from_pretrained(  # type: ignore[attr-defined]
            path.parent, config=into.config, output_loading_info=True
        )
    except (OSError, SafetensorError, RuntimeError, ValueError) as error:
        raise checkpoint.missing(str(error).strip().partition("\n")[0].rstrip(".")) from error
    lacking = sorted(map(str, [*report["missing_keys"], *report["mismatched_keys"]]))[:3]
    if lacking:
        raise WeightsError(
            f"The {checkpoint.what} '{checkpoint.reference}' does not fit its config.json: "
            f"{', '.join(lacking)} is not there or has another shape."
        )
    into.load_state_dict(read.state_dict())
    return {path.name: verified_sha256(path)}
