"""Published numbers, in `published.csv` beside this file: what each paper prints, and how far to trust it.

A line is one method on one split. `composition` is the registered method and the options in which the
printed one differs from it, as `--set` takes them. `scores` are pairs of metric and percent. `protocol` is
the one that the numbers were made under where that is known; `evidence` says whether the authors' own table
was read.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal, cast

from avprompt.plugin import PublishedScores, read_table

COLUMNS = (
    "dataset",
    "split",
    "method",
    "composition",
    "trained on",
    "protocol",
    "scores",
    "evidence",
    "source",
)
ELSEWHERE = "not in avprompt"
"""The composition of a method that no plugin of ours has."""


def published(dataset: str, split: str | None = None) -> tuple[PublishedScores, ...]:
    """Return the numbers printed for a dataset, or for one split of it."""
    rows = [row for row in _rows() if row["dataset"] == dataset and split in (None, row["split"])]
    return tuple(_record(row) for row in rows)


@cache
def _rows() -> list[dict[str, str]]:
    return list(read_table(Path(__file__).with_name("published.csv"), COLUMNS).values())


def _record(row: dict[str, str]) -> PublishedScores:
    words = row["scores"].split()
    return PublishedScores(
        row["method"],
        row["trained on"],
        row["split"],
        row["protocol"],
        {metric: float(value) for metric, value in zip(words[::2], words[1::2], strict=True)},
        cast(Literal["verified", "secondary"], row["evidence"]),
        row["source"],
        () if row["composition"] == ELSEWHERE else tuple(row["composition"].split()),
    )
