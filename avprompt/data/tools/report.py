"""What a check of data finds, as it is written to JSON."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field, computed_field

from avprompt.data.benchmark import BoxCounts

Kind = Literal[
    "missing",
    "duplicate",
    "unreadable",
    "silent",
    "clipped",
    "wrong rate",
    "wrong length",
    "wrong size",
    "broken annotation",
]


class Problem(BaseModel):
    """Something wrong with one clip; `known` where the annotation was published so."""

    kind: Kind
    id: str
    detail: str
    known: bool = False


class SplitReport(BaseModel):
    """The state of one split.

    Attributes:
        official: how many samples the official list names, where that is known.
        listed: how many samples the list in the data root names.
        present: how many of them have their files and a readable annotation.
        readable: how many of these have files that could be read.
        annotation: what is drawn; None where clips are not annotated, as those to train on.
        as_published: the annotation holds exactly what the official one does, known defects among it.
        problems: one for each thing that is wrong.
        notes: what is used otherwise than it is, though nothing is wrong.
    """

    official: int | None = None
    listed: int
    present: int
    readable: int
    annotation: BoxCounts | None = None
    as_published: bool = False
    problems: list[Problem] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)

    def wrong(self) -> dict[Kind, list[Problem]]:
        """Return what is wrong and was not published so, by kind."""
        by_kind: dict[Kind, list[Problem]] = {}
        for problem in self.problems:
            if not problem.known:
                by_kind.setdefault(problem.kind, []).append(problem)
        return by_kind


class Report(BaseModel):
    """The state of a data root, by split; `notes` are the benchmark's own."""

    dataset: str
    data_root: str
    splits: dict[str, SplitReport]
    notes: list[str] = Field(default_factory=list)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def ok(self) -> bool:
        """Whether something was read, and nothing is wrong but what was published so."""
        read = any(split.readable for split in self.splits.values())
        return read and not any(split.wrong() for split in self.splits.values())
