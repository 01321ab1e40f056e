"""Decoding pairs: the same result whatever the budget, and no more kept than the budget."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from avprompt.records import ImageFeatures
from avprompt_clip.decoder import ClipSegNetwork
from avprompt_clip.pairs import GIB, decode_pairs, pairs_that_fit

PLENTY = 1.0


@pytest.fixture
def network() -> ClipSegNetwork:
    torch.manual_seed(0)
    return ClipSegNetwork(48, 40, layers=3, patch_size=16, reduce_dim=16, heads=4, intermediate=32)


@pytest.fixture(scope="module")
def text() -> Tensor:
    return torch.randn(3, 40, generator=torch.Generator().manual_seed(1))


def budget(pairs: int, network: ClipSegNetwork, reduced: Tensor) -> float:
    """Return the GiB into which so many pairs fit, and not one more."""
    numbers = network.kept(reduced.shape[1]) if torch.is_grad_enabled() else network.alive(reduced.shape[1])
    return (pairs + 0.5) * numbers * 4 / GIB


@pytest.mark.parametrize("pairs", [0, 1, 4, 6, 64])
def test_the_budget_changes_no_value(
    pairs: int, network: ClipSegNetwork, features: ImageFeatures, text: Tensor
) -> None:
    reduced = network.prepare(features.hidden)
    logits = decode_pairs(network, reduced, text, budget(pairs, network, reduced[0]))
    assert logits.shape == (2, 3, 32, 32)
    for i in range(2):
        hidden = tuple(state[[i] * 3] for state in features.hidden)
        torch.testing.assert_close(logits[i], network(hidden, text), atol=1e-5, rtol=1e-4)


def test_every_pair_may_have_its_own_text(
    network: ClipSegNetwork, features: ImageFeatures, text: Tensor
) -> None:
    reduced = network.prepare(features.hidden)
    own = torch.stack([text, text.flip(0)])  # (B, B_audio, D)
    logits = decode_pairs(network, reduced, own, PLENTY)
    shared = decode_pairs(network, reduced, text, PLENTY)
    torch.testing.assert_close(logits[0], shared[0])
    torch.testing.assert_close(logits[1], shared[1].flip(0))


@pytest.mark.parametrize("pairs", [1, 4, 64])
def test_the_budget_changes_no_gradient(
    pairs: int, network: ClipSegNetwork, features: ImageFeatures, text: Tensor
) -> None:
    def gradients(memory: float) -> list[Tensor]:
        network.zero_grad()
        inputs = [state.clone().requires_grad_() for state in (*features.hidden, text)]
        reduced = network.prepare(tuple(inputs[:-1]))
        decode_pairs(network, reduced, inputs[-1], memory).square().mean().backward()
        return [tensor.grad for tensor in (*network.parameters(), *inputs) if tensor.grad is not None]

    whole = gradients(PLENTY)
    assert len(whole) == len(list(network.parameters())) + 4
    limited = gradients(budget(pairs, network, network.prepare(features.hidden)[0]))
    for one, other in zip(whole, limited, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-4)


def kept_bytes(network: ClipSegNetwork, reduced: tuple[Tensor, ...], text: Tensor, memory: float) -> int:
    """Return how many bytes of its own autograd keeps of decoded pairs."""
    shared = {tensor.untyped_storage().data_ptr() for tensor in (*network.parameters(), *reduced)}
    seen: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        if tensor.untyped_storage().data_ptr() not in shared:
            seen[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        decode_pairs(network, reduced, text, memory)
    return sum(tensor.untyped_storage().nbytes() for tensor in seen.values())


def test_what_is_kept_is_what_was_estimated() -> None:
    network = ClipSegNetwork(48, 40, layers=3, patch_size=16, reduce_dim=64)
    reduced = tuple(torch.randn(2, 26, 64) for _ in range(3))
    kept = kept_bytes(network, reduced, torch.randn(2, 40), PLENTY)
    assert kept / (4 * 4 * network.kept(26)) == pytest.approx(1, abs=0.2)


def test_beyond_the_budget_little_is_kept() -> None:
    network = ClipSegNetwork(48, 40, layers=3, patch_size=16, reduce_dim=64)
    reduced = tuple(torch.randn(2, 26, 64) for _ in range(3))
    text = torch.randn(8, 40)
    with torch.enable_grad():
        memory = budget(2, network, reduced[0])
        assert pairs_that_fit(network, reduced[0], memory) == 2
        assert kept_bytes(network, reduced, text, memory) < 0.2 * kept_bytes(network, reduced, text, PLENTY)


def test_without_gradients_more_pairs_fit(network: ClipSegNetwork) -> None:
    reduced = torch.zeros(1, 5, 16)
    with_gradients = pairs_that_fit(network, reduced, 1e-3)
    with torch.no_grad():
        assert pairs_that_fit(network, reduced, 1e-3) > with_gradients >= 1
