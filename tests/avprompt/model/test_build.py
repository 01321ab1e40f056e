"""Compiled kernels."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from avprompt.model.build import compile_kernels
from tinyworld.bench import Bench
from tinyworld.training import ground, without_noise


def losses_and_gradients(method: Any) -> list[torch.Tensor]:
    torch.manual_seed(0)
    grounding = ground(method, torch.randn(3, 3, 32, 32), torch.randn(3, 160), without_noise)
    losses = method.loss_terms(grounding)
    losses["total"].backward()
    gradients = [p.grad for p in method.parameters() if p.grad is not None]
    return [losses["total"].detach(), *gradients]


@pytest.mark.filterwarnings("ignore")  # the compiler looks at whatever it traces
def test_compiled_kernels_give_the_same_numbers(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    traced = []
    original = torch.compile

    def counting(call: Any, *, backend: str) -> Any:
        traced.append(call.__name__)
        return original(call, backend=backend)

    monkeypatch.setattr(torch, "compile", counting)
    plain, compiled = bench.method("souple"), bench.method("souple")
    compile_kernels(compiled, backend="eager")  # traces as for any other, and needs no compiler
    torch.testing.assert_close(losses_and_gradients(compiled), losses_and_gradients(plain))
    assert traced == ["encode_image", "pool_image", "encode_prompt", "forward", "forward"]
