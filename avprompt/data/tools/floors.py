"""Floors and ceilings of a benchmark from its annotation alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from avprompt.data.benchmark import Annotation, BenchmarkAdapter
from avprompt.errors import DataError
from avprompt.metrics.floors import Scores, ceilings, floors
from avprompt.records import GroundTruth


class Bounds(BaseModel):
    """What can be scored on a split without a model, in percent; no media is needed to know it."""

    samples: int
    official: int | None
    floors: dict[str, Scores]
    ceilings: dict[str, Scores]


def bounds(adapter: BenchmarkAdapter, split: str) -> Bounds:
    """Return the floors and ceilings of a test split, over all that is annotated.

    Raises:
        DataError: no such split, or nothing of it is annotated.
    """
    truths = _Truths(adapter.annotations(split))
    if not truths:
        raise DataError(f"{adapter.title} has no annotated sample in '{split}'.")
    return Bounds(
        samples=len(truths),
        official=adapter.expected.get(split),
        floors=floors(truths),
        ceilings=ceilings(truths),
    )


class _Truths(Sequence[GroundTruth]):
    """The truths of annotations, drawn when they are asked for."""

    def __init__(self, annotations: Sequence[Annotation]) -> None:
        self.annotations = annotations

    def __len__(self) -> int:
        return len(self.annotations)

    def __getitem__(self, index: Any) -> Any:
        return self.annotations[index].truth
