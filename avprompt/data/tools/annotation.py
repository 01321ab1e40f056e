"""What an annotation holds, and which of its boxes are broken; no media is read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from avprompt.data.benchmark import Annotation, BenchmarkAdapter, BoxCounts
from avprompt.data.tools.findings import Problem
from avprompt.errors import DataError


@dataclass
class Inspected:
    """An annotation: what is drawn, in which samples, what is broken, and whether that was published so."""

    box_counts: BoxCounts = field(default_factory=BoxCounts)
    ids: set[str] = field(default_factory=set)
    broken: list[Problem] = field(default_factory=list)
    as_published: bool = False


def inspect(adapter: BenchmarkAdapter, split: str) -> Inspected | None:
    """Look at every annotated sample of a split; None where clips are not annotated."""
    if split not in (*adapter.test_splits, adapter.validation_split):
        return None
    found = Inspected()
    try:
        for one in adapter.annotations(split):
            found.box_counts += BoxCounts.of(one)
            found.ids.add(one.id)
            found.broken += _broken(one)
    except DataError:  # Nothing of it is annotated; the split says why of each clip.
        return found
    found.as_published = found.box_counts == adapter.box_counts.get(split)
    for problem in found.broken:
        problem.known = found.as_published
    return found


def _broken(one: Annotation) -> Iterator[Problem]:
    details = {
        f"{one.garbage} of {one.boxes} boxes hold numbers that mean nothing": one.garbage,
        f"{one.degenerate} of {one.boxes} boxes have no width or height": one.degenerate,
        "no box marks anything": one.unmarked,
    }
    for detail, there in details.items():
        if there:
            yield Problem(kind="broken annotation", id=one.id, detail=detail)
