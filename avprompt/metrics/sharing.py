"""Work that protocols have in common, done once for a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_batch: ContextVar[dict[Any, Any] | None] = ContextVar("batch", default=None)


@contextmanager
def one_batch() -> Iterator[None]:
    """Let what is done within be shared; the arrays that are given around must not change.

    Within another `one_batch` this is part of that one.
    """
    outer = _batch.get()
    token = _batch.set({} if outer is None else outer)
    try:
        yield
    finally:
        _batch.reset(token)


def shared(function: Callable[P, T]) -> Callable[P, T]:
    """Call a function once for the same arrays within `one_batch`; elsewhere each time.

    What it returns must not be changed.
    """

    @wraps(function)
    def once(*arrays: P.args, **options: P.kwargs) -> T:
        done = _batch.get()
        if done is None:
            return function(*arrays, **options)
        key = function, *map(id, arrays), *options.items()
        if key not in done:
            done[key] = arrays, function(*arrays, **options)  # arrays are held, so that ids stay theirs
        result: T = done[key][1]
        return result

    return once
