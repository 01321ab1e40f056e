"""A training step runs no operator more than it did before prompts could reach into the towers."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from avprompt.config.method_config import resolve
from avprompt.distributed import ALONE
from avprompt.model.build import build
from avprompt.registry import Registry

OPERATORS = {
    "2.14": {"souple": 1581, "souple-cross": 1587, "acl-ssl": 1447, "coop": 1337, "cocoop": 1370},
}
"""Counted at commit 779c7da, by release of torch: each splits its functions into operators in its own way."""


class Counting(TorchDispatchMode):
    """Counts the operators that run."""

    count = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += 1
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("method", sorted(OPERATORS["2.14"]))
def test_a_step_runs_no_operator_more(method: str, registry: Registry) -> None:
    release = ".".join(torch.__version__.split(".")[:2])
    if release not in OPERATORS:
        pytest.skip(f"nobody has counted with torch {release}")
    built = build(resolve(registry, method, "mini"), registry, weights=False).train()
    pixels, frames = torch.rand(4, 3, 96, 96), torch.randn(4, 30, built.audio_encoder.width)
    with Counting() as operators:
        grounding = built(pixels, built.encode_image(pixels), frames, torch.rand_like, ALONE.rows(4))
        built.loss_terms(grounding)["total"].backward()
    assert operators.count <= OPERATORS[release][method]
