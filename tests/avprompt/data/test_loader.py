"""As many processes read as are needed."""

from __future__ import annotations

import pytest
import torch

from avprompt.data.loader import worker_count
from avprompt.distributed import ALONE, Ranks


def test_are_as_many_as_asked_for() -> None:
    assert worker_count(3, torch.device("cpu"), ALONE) == 3
    assert worker_count(0, torch.device("cuda"), ALONE) == 0


def test_serve_a_gpu_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    monkeypatch.setattr("avprompt.data.loader._cores", lambda: 16)
    assert worker_count(None, torch.device("cpu"), ALONE) == 0
    assert worker_count(None, torch.device("cuda"), ALONE) == 8
    assert worker_count(None, torch.device("cuda"), Ranks(0, 4)) == 4
    assert worker_count(None, torch.device("cuda"), Ranks(0, 64)) == 1
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")  # 64 ranks on 32 machines
    assert worker_count(None, torch.device("cuda"), Ranks(0, 64)) == 8
