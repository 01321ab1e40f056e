"""What ranks made of the batches that were dealt out to them, brought together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from avprompt.errors import AvpromptError
from avprompt.ranks import Ranks

T = TypeVar("T")


def together(ranks: Ranks, work: Callable[[], T]) -> list[T]:
    """Do this rank's work, and return that of all ranks in the order of ranks.

    What a user can mend is raised on every rank, so that none waits for one that has gone.
    """
    done: T | None = None
    error: AvpromptError | None = None
    try:
        done = work()
    except AvpromptError as caught:
        error = caught
    parts = ranks.objects((done, error))
    for failed in [theirs for _, theirs in parts if theirs is not None]:
        raise failed
    return [part for part, _ in parts]  # type: ignore[misc]  # without an error there is a part


def merged(parts: Sequence[Mapping[int, T]]) -> dict[int, T]:
    """Return what ranks have by place in the split, in the order of places."""
    every = {place: item for part in parts for place, item in part.items()}
    return dict(sorted(every.items(), key=lambda pair: pair[0]))
