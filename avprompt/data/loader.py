"""Reading the samples of a split, in processes that work while the method computes."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset

from avprompt.distributed import Ranks
from avprompt.errors import DataError
from avprompt.records import Missing, Sample

Reader = Callable[[Sample, int, int], object]
"""Reads a sample, given the epoch and the sample's place in the split; `DataError` where it cannot."""

MOST_WORKERS = 8
"""Processes that read for one that computes, at most, where nobody asks for another number."""


class SampleDataset(Dataset[Any]):
    """The samples of a split as one reader reads them; what cannot be read comes back as `Missing`."""

    def __init__(self, samples: Sequence[Sample], read: Reader) -> None:
        self.samples, self.read = samples, read

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, key: tuple[int, int]) -> tuple[int, object]:
        """Return the item of `(epoch, index)`."""
        epoch, index = key
        return index, read_or_missing(self.read, self.samples[index], epoch, index)


def read_or_missing(read: Reader, sample: Sample, epoch: int, index: int) -> object:
    """Read a sample, or return a `Missing` that says why it cannot be read."""
    try:
        return read(sample, epoch, index)
    except DataError as error:
        return Missing(sample.id, str(error))


def loader(
    dataset: SampleDataset,
    order: Iterable[list[tuple[int, int]]],
    collate: Callable[[list[Any]], Any],
    workers: int = 0,
    device: torch.device | None = None,
) -> DataLoader[Any]:
    """Return a loader of batches in a given order.

    Args:
        dataset: what to read.
        order: (epoch, index) keys of each batch, possibly without end.
        collate: makes a batch of items.
        workers: processes; 0 reads in this one.
        device: where batches go next; those for a GPU are put into memory that it can copy from.
    """
    return DataLoader(
        dataset,
        batch_sampler=order,
        num_workers=workers,
        collate_fn=collate,
        pin_memory=_pinned(device),
        worker_init_fn=_leave_signals_to_the_main_process,
    )


def stream_loader(
    batches: IterableDataset[Any], workers: int, device: torch.device | None = None
) -> DataLoader[Any]:
    """Return a loader of a stream, which makes its own batches; see `loader`."""
    return DataLoader(
        batches,
        batch_size=None,
        num_workers=workers,
        pin_memory=_pinned(device),
        worker_init_fn=_leave_signals_to_the_main_process,
    )


def _leave_signals_to_the_main_process(worker: int) -> None:
    """Read on when Ctrl-C or the end of a job reaches all processes: the main one ends its workers itself.

    It does so by a SIGTERM where they do not heed it, so only the first is passed over.
    """
    del worker
    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: signal.signal(signal.SIGTERM, signal.SIG_DFL))


def _pinned(device: torch.device | None) -> bool:
    return device is not None and device.type == "cuda"


def worker_count(asked: int | None, device: torch.device, ranks: Ranks) -> int:
    """Return how many processes read for one that computes: as asked, or what a GPU needs to be kept busy.

    On a CPU reading and computing would only take turns on the same cores.
    """
    if asked is not None:
        return asked
    if device.type != "cuda":
        return 0
    local_ranks = int(os.environ.get("LOCAL_WORLD_SIZE", ranks.size))  # launchers set it on each machine
    return max(1, min(MOST_WORKERS, _cores() // local_ranks))


def _cores() -> int:
    """Return the cores that this process may use, where the system tells."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
