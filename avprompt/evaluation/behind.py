"""Work that goes on beside the encoders: maps are measured while the next batch is located."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

T = TypeVar("T")


class Behind(Generic[T]):
    """Calls functions one after another in a thread of its own; leaving the block waits for all of them.

    Args:
        take: is handed what each call returns, in the order of the calls, in the caller's thread.
        waiting: calls that may be under way; one more waits for the first, so that arguments do not pile up.
    """

    def __init__(self, take: Callable[[T], object], waiting: int = 2) -> None:
        self._take, self._waiting = take, waiting
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._calls: deque[Future[T]] = deque()

    def __enter__(self) -> Self:
        return self

    def call(self, function: Callable[..., T], *arguments: Any) -> None:
        """Have a function called; what an earlier one raised is raised here."""
        while len(self._calls) >= self._waiting:
            self._take(self._calls.popleft().result())
        self._calls.append(self._thread.submit(function, *arguments))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._thread:  # joins the thread, whatever happens
            if error is not None:
                self._thread.shutdown(cancel_futures=True)
                return
            while self._calls:
                self._take(self._calls.popleft().result())
