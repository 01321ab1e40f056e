"""Reading the packaged weights: fp16 in the files, float32 in use, checked against their record."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import Any

import torch
from safetensors.torch import load
from torch import Tensor

from avprompt.plugin import WeightsError

FOLDER = files("avprompt_mini") / "weights"


@cache
def quality() -> dict[str, Any]:
    """Return the record that was written with the weights: measured quality and SHA-256 by file."""
    record: dict[str, Any] = json.loads((FOLDER / "quality.json").read_text())
    return record


def read_weights(name: str) -> tuple[dict[str, Tensor], str]:
    """Return a packaged file's tensors in float32, and its SHA-256.

    Raises:
        WeightsError: the file is missing, or is not the one that was measured.
    """
    try:
        content = (FOLDER / name).read_bytes()
    except FileNotFoundError:
        raise WeightsError(f"The package lacks avprompt_mini/weights/{name}; install it again.") from None
    digest = hashlib.sha256(content).hexdigest()
    if digest != quality()["sha256"].get(name):
        raise WeightsError(
            f"avprompt_mini/weights/{name} is not the file that quality.json describes "
            f"(SHA-256 {digest[:12]}...); install avprompt again or write both with avprompt_mini.pretrain."
        )
    return {key: tensor.to(torch.float32) for key, tensor in load(content).items()}, digest
