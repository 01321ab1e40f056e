"""Which encoder made a feature: its class, options, weights and precision in one hash."""

from __future__ import annotations

import torch

from avprompt.data.keys import digest_of
from avprompt.model.parts import Part

FORMAT = 1
"""Part of every fingerprint; a change in what is stored, or how sounds are read, makes all keys new."""


def fingerprint(part: Part, *, precision: str) -> str:
    """Return the hash of an encoder: class, options, weights, and the precision it computes in."""
    digest = digest_of(FORMAT, describe(part, precision=precision))
    for name, value in part.state_dict().items():
        digest.update(repr((name, str(value.dtype), tuple(value.shape))).encode())
        digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return str(digest.hexdigest())


def describe(part: Part, *, precision: str) -> str:
    """Say in words what a fingerprint is of, weights aside."""
    kind = type(part)
    names = "float32" if precision == "no" else precision
    return f"{kind.__module__}.{kind.__qualname__} in {names}, {part.config.model_dump_json()}"
