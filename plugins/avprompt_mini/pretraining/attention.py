"""A faster way to train attention over short sequences on a CPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import torch
from torch import Tensor
from torch.nn import functional


@contextmanager
def plain_attention() -> Iterator[None]:
    """Write attention out while training in bfloat16.

    The fused kernel's backward pass on a CPU is five times slower than this at 65 tokens (torch 2.15).
    """
    with mock.patch.object(functional, "scaled_dot_product_attention", _attend):
        yield


def _attend(query: Tensor, key: Tensor, value: Tensor, is_causal: bool = False) -> Tensor:
    scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)  # (B, heads, S, S)
    if is_causal:
        future = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
        scores = scores.masked_fill(future, -torch.inf)
    mixed: Tensor = scores.softmax(-1).to(value.dtype) @ value
    return mixed
