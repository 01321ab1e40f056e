from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from avprompt_beats.architecture import BeatsArchitecture
from avprompt_beats.attention import RelativeAttention, relative_buckets

CPU = torch.device("cpu")


def test_buckets_by_hand() -> None:
    # 8 buckets, 4 for each side: offsets 0 and 1 have their own, then 2..3 and 4.. share by logarithm.
    buckets = relative_buckets(6, buckets=8, max_distance=8, device=CPU)
    assert buckets.tolist() == [3, 3, 2, 2, 1, 0, 5, 6, 6, 7, 7]


@given(st.integers(1, 600), st.integers(4, 320).map(lambda n: 4 * (n // 4)), st.integers(2, 10))
def test_buckets_are_in_range_and_widen(length: int, buckets: int, factor: int) -> None:
    found = relative_buckets(length, buckets, max_distance=buckets * factor, device=CPU)
    assert found.shape == (2 * length - 1,)
    assert 0 <= found.min()
    assert found.max() < buckets
    later = found[length:]  # keys after the query
    assert (later.diff() >= 0).all()
    torch.testing.assert_close(later - buckets // 2, found[: length - 1].flip(0))


def test_attention_equals_the_formula(arch: BeatsArchitecture) -> None:
    torch.manual_seed(0)
    attention = RelativeAttention(arch, None)
    torch.nn.init.normal_(attention.grep_a)
    x, bias = torch.randn(2, 5, 32), torch.randn(4, 5, 5)
    projections = attention.q_proj, attention.k_proj, attention.v_proj
    q, k, v = (project(x).reshape(2, 5, 4, 8).permute(0, 2, 1, 3) for project in projections)
    gate_a, gate_b = torch.sigmoid(attention.grep_linear(q).reshape(2, 4, 5, 2, 4).sum(-1)).chunk(2, -1)
    gate = gate_a * (gate_b * attention.grep_a - 1) + 2
    weights = torch.softmax(q @ k.transpose(2, 3) / 8**0.5 + gate * bias, dim=-1)
    expected = attention.out_proj((weights @ v).permute(0, 2, 1, 3).reshape(2, 5, 32))
    torch.testing.assert_close(attention(x, bias), expected)


def test_ungated_attention_adds_the_bias_as_it_is(arch: BeatsArchitecture) -> None:
    torch.manual_seed(0)
    attention = RelativeAttention(arch.model_copy(update={"gru_rel_pos": False}), None)
    x = torch.randn(1, 5, 32)
    alone = torch.full((4, 5, 5), -1e4)
    alone.diagonal(dim1=1, dim2=2).zero_()  # every query sees its own key only
    torch.testing.assert_close(attention(x, alone), attention.out_proj(attention.v_proj(x)))
