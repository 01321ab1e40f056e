"""As many processes read as are needed."""

from __future__ import annotations

import os
import signal

import pytest
import torch

from avprompt.data.loader import SampleDataset, loader, worker_count
from avprompt.distributed import ALONE, Ranks
from avprompt.records import Sample
from tinyworld.benchmark import Tiny


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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_go_on_when_a_signal_reaches_all_processes(number: int) -> None:
    """The process that computes finishes its step first, and then ends them."""

    def read(sample: Sample, epoch: int, index: int) -> str:
        if index == 2:
            os.kill(os.getpid(), number)
        return sample.id

    samples = list(Tiny().split("train").samples)
    order = [[(0, start), (0, start + 1)] for start in range(0, 8, 2)]
    batches = list(loader(SampleDataset(samples, read), order, list, workers=1))
    assert [name for batch in batches for _, name in batch] == [sample.id for sample in samples[:8]]
