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


class TestPrecision:
    def test_that_would_not_be_computed_in_is_refused(self) -> None:
        with pytest.raises(
            TrainingError, match=r"--precision fp16: a CPU does not compute in it. Use bf16, or no"
        ):
            make_accelerator("cpu", "fp16")

    def test_that_the_device_does_not_know_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(**_: object) -> None:
            raise ValueError("bf16 mixed precision requires a supported device.")

        monkeypatch.setattr("accelerate.Accelerator", refuse)
        with pytest.raises(
            TrainingError, match=r"bf16: bf16 mixed precision requires.*device. Use --precision no"
        ):
            make_accelerator("cpu", "bf16")
