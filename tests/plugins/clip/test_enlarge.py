"""Enlarging by matrix products is what the transposed convolutions are defined to be."""

from __future__ import annotations

import pytest
import torch

from avprompt_clip.enlarge import enlarge, make_enlarge


@pytest.mark.parametrize("in_two_steps", [True, False])
@pytest.mark.parametrize("factor", [7, 12, 16])
def test_equals_the_convolutions_and_their_gradients(factor: int, in_two_steps: bool) -> None:
    modules = make_enlarge(8, factor, in_two_steps=in_two_steps)
    grid = torch.randn(2, 8, 3, 5, requires_grad=True)
    weights = torch.randn(2, 3 * factor, 5 * factor)
    found = []
    for maps in (enlarge(modules, grid), modules(grid).squeeze(1)):
        grid.grad = None
        modules.zero_grad()
        (maps * weights).sum().backward()
        found.append([maps, grid.grad, *(parameter.grad for parameter in modules.parameters())])
    assert found[0][0].shape == (2, 3 * factor, 5 * factor)
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
