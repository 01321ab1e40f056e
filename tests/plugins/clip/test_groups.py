from __future__ import annotations

import pytest
import torch

from avprompt_clip import backbone as module
from avprompt_clip.clipseg import ClipSegBackbone
from avprompt_clip.groups import BUFFER, rows_at_once

CPU = torch.device("cpu")


@pytest.mark.parametrize(("numbers", "expected"), [(1, 10), (BUFFER // 4, 1), (BUFFER, 1), (BUFFER // 12, 3)])
def test_a_processor_takes_what_fits_in_a_buffer(numbers: int, expected: int) -> None:
    assert rows_at_once(10, numbers, CPU) == expected


def test_a_gpu_takes_all() -> None:
    assert rows_at_once(10, BUFFER, torch.device("cuda")) == 10


def test_groups_change_no_feature_and_no_gradient(
    backbone: ClipSegBackbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = torch.randn(5, 3, 32, 32, requires_grad=True)
    found = []
    for group in (5, 2):
        monkeypatch.setattr(module, "rows_at_once", lambda *_, group=group: group)
        pooled = backbone.pool_image(pixels)
        (gradient,) = torch.autograd.grad(pooled.square().sum(), pixels)
        found.append((pooled, gradient))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
