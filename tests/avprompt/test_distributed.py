"""The device that is asked for."""

from __future__ import annotations

import pytest
import torch

from avprompt.distributed import make_accelerator
from avprompt.errors import TrainingError


def test_a_device_that_is_not_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(
        TrainingError, match=r"--device cuda: PyTorch sees no CUDA device here. Use --device cpu"
    ):
        make_accelerator("cuda", "no")
