from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from avprompt_clip.towers import Block, Tower, fit_positions, quick_gelu


def block(width: int = 8) -> Block:
    norm_1, norm_2 = nn.LayerNorm(width), nn.LayerNorm(width)
    query, key, value, output, mlp = (nn.Linear(width, width) for _ in range(5))
    return Block(2, norm_1, query, key, value, output, norm_2, mlp)


def tower(blocks: int) -> Tower:
    torch.manual_seed(0)
    return Tower([block() for _ in range(blocks)], torch.zeros(4, 8), nn.Identity(), nn.Identity())


def test_positions_of_the_same_grid_are_left_alone() -> None:
    positions = torch.randn(10, 4)
    assert fit_positions(positions, 3, 3) is positions


@settings(max_examples=20)
@given(st.integers(1, 6), st.integers(1, 9), st.integers(1, 9))
def test_resampling_keeps_the_class_token_and_a_constant_grid(side: int, height: int, width: int) -> None:
    positions = torch.cat([torch.full((1, 2), -1.0), torch.full((side * side, 2), 3.0)])
    fitted = fit_positions(positions, height, width)
    assert fitted.shape == (1 + height * width, 2)
    torch.testing.assert_close(fitted[0], positions[0])
    torch.testing.assert_close(fitted[1:], torch.full((height * width, 2), 3.0))


def test_rows_stay_rows() -> None:
    rows = torch.arange(3.0).repeat_interleave(3)  # 0 0 0 1 1 1 2 2 2
    fitted = fit_positions(torch.cat([torch.zeros(1), rows])[:, None], 6, 6)[1:].reshape(6, 6)
    torch.testing.assert_close(fitted, fitted[:, :1].expand(6, 6))
    assert (fitted[:, 0].diff() > 0).all()


def test_a_token_alone_attends_to_itself() -> None:
    layer, x = block(), torch.randn(3, 1, 8)
    torch.testing.assert_close(layer(x), layer.value_only(x))


def test_value_only_keeps_tokens_apart() -> None:
    layer, x = block(), torch.randn(1, 4, 8)
    torch.testing.assert_close(layer.value_only(x)[:, :2], layer.value_only(x[:, :2]))


def test_causal_attention_never_looks_ahead() -> None:
    stack, x = tower(2), torch.randn(1, 5, 8)
    whole, part = (stack.run(states, keep={2}, causal=True)[2] for states in (x, x[:, :3]))
    torch.testing.assert_close(whole[:, :3], part)


def test_states_are_counted_with_the_input_as_state_zero() -> None:
    stack, x = tower(3), torch.randn(1, 2, 8)
    states = stack.run(x, keep={0, 1, 3})
    assert states.keys() == {0, 1, 3}
    assert states[0] is x
    torch.testing.assert_close(states[1], stack.blocks[0](x))
    torch.testing.assert_close(states[3], stack.blocks[2](stack.blocks[1](states[1])))


@pytest.mark.parametrize("causal", [True, False])
def test_one_token_alone_is_what_it_is_among_all(causal: bool) -> None:
    stack, x = tower(3), torch.randn(2, 5, 8)
    whole = stack.run(x, keep={3}, causal=causal)[3]
    for index in (0, 2, 4):
        torch.testing.assert_close(stack.pool(x, index, causal=causal), whole[:, index])


@pytest.mark.parametrize("gradient", [True, False])
def test_quick_gelu(gradient: bool) -> None:
    x = torch.linspace(-8, 8, 101, dtype=torch.float64).requires_grad_(gradient)
    before = x.detach().clone()
    value = quick_gelu(x)
    torch.testing.assert_close(value, x * torch.sigmoid(1.702 * x))
    torch.testing.assert_close(x.detach(), before)
    if gradient:
        assert torch.autograd.gradcheck(quick_gelu, (x,))
