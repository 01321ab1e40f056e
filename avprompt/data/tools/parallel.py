"""One function over many items, in several processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar

from avprompt.errors import DataError

Item = TypeVar("Item")
Result = TypeVar("Result")

Counting = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""Opens a display of how many of so many items are done, as `avprompt.runs.progress.Progress.counting`."""

_CHUNKS_PER_WORKER = 16
"""So many at least, for workers to end together."""

_LARGEST_CHUNK = 16
"""Items that are sent to a worker at once, at most: results shall come soon."""


def parallel_map(work: Callable[[Item], Result], items: Sequence[Item], workers: int) -> Iterator[Result]:
    """Yield `work(item)` of every item, in order, as the results come.

    Args:
        work: a function of a module, for other processes to find.
        items: what to work on.
        workers: processes; one works in this one.

    Raises:
        DataError: a process died, as when memory ran out.
    """
    if workers == 1 or len(items) < 2:
        yield from map(work, items)
        return
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_live_with_parent)
    chunk = max(1, min(_LARGEST_CHUNK, len(items) // (workers * _CHUNKS_PER_WORKER)))
    try:
        yield from pool.map(work, items, chunksize=chunk)
    except BrokenProcessPool as error:
        raise DataError(
            "A worker process died, perhaps for want of memory. Start again with fewer --workers; what is "
            "finished stays."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def quietly(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Count without showing it."""
    del what, total
    yield lambda done: None


def _live_with_parent() -> None:
    """Leave Ctrl-C to the parent, and end when it is gone, however that came about."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
