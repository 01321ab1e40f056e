"""Methods made of data, and compiled kernels."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from avprompt.errors import ConfigError
from avprompt.model.build import compile_kernels
from tinyworld.bench import Bench
from tinyworld.training import ground, without_noise

SHARP = "losses.image-sharp={part: image-contrastive, weight: 2, temperature: 0.05}"


def test_a_loss_used_twice_is_two_terms(bench: Bench) -> None:
    method = bench.method("souple", SHARP)
    sharp, plain = (method.parts()[f"losses.{term}"] for term in ("image-sharp", "image-contrastive"))
    assert type(sharp) is type(plain)
    assert (sharp.config.temperature, plain.config.temperature) == (0.05, 0.07)
    torch.manual_seed(0)
    terms = method.loss_terms(ground(method, torch.randn(3, 3, 32, 32), torch.randn(3, 160), without_noise))
    assert [*terms] == ["image-contrastive", "feature-contrastive", "area", "image-sharp", "total"]
    assert terms["image-sharp"] != 2 * terms["image-contrastive"]
    torch.testing.assert_close(terms["total"], sum(value for name, value in terms.items() if name != "total"))


def test_a_loss_cannot_be_called_by_a_word_of_torchs(bench: Bench) -> None:
    with pytest.raises(ConfigError, match=r"losses.items: 'items' is a word of torch's own. Give the loss"):
        bench.method("souple", "losses.items.part=area")


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
