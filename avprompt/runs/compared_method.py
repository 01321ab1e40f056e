"""A column of a comparison: one method with its finished runs, and the numbers that these kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from avprompt.runs.directory import RunDirectory
from avprompt.runs.recipe import Recipe, read_recipe
from avprompt.runs.results import RunResult, read_rows


@dataclass(frozen=True)
class ComparedMethod:
    """One method of a comparison: its finished runs, one for each seed.

    Attributes:
        name: title of its column.
        folders: the run directories.
        results: of the runs.
        finished: the user named a run directory, not a method.
        planned: the recipe of runs that are yet to be made.
    """

    name: str
    folders: tuple[Path, ...]
    results: tuple[RunResult, ...]
    finished: bool = False
    planned: Recipe | None = None

    @property
    def splits(self) -> tuple[str, ...]:
        """The test splits that every run of it has scored, the headline first."""
        first, *others = (result.scores for result in self.results)
        return tuple(split for split in first if all(split in scores for scores in others))

    @cached_property
    def recipe(self) -> Recipe:
        """What its runs were made with beside seeds and its parts."""
        return self.planned or read_recipe(self.folders[0], self.results[0])

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of its runs."""
        return tuple(result.seed for result in self.results)

    @property
    def shown_seeds(self) -> str:
        """The seeds of its runs as text."""
        return ", ".join(map(str, self.seeds))

    @property
    def outdated(self) -> bool:
        """Whether an older release left nothing but scores that can be compared."""
        return any(result.outdated for result in self.results)

    def values(self, split: str, *path: str) -> list[float]:
        """Return a number of every run that has it, such as `("scores", "val-threshold", "cIoU")`."""
        values = []
        for result in self.results:
            table: Any = getattr(result, path[0]).get(split, {})
            for key in path[1:]:
                table = table.get(key, {}) if isinstance(table, dict) else {}
            if isinstance(table, int | float):
                values.append(float(table))
        return values

    def per_sample(self, split: str, protocol: str, metric: str) -> dict[str, float]:
        """Return what each sample adds to a mean over samples, 1 for 100 percent, averaged over runs, by id.

        Empty where the metric is no mean over samples, or the runs did not keep it as it counts today.
        """
        if self.outdated:
            return {}
        values: dict[str, list[float]] = defaultdict(list)
        for folder in self.folders:
            for row in read_rows(RunDirectory(folder).samples):
                value = sample_value(row, protocol, metric) if row["split"] == split else None
                if value is not None:
                    values[row["id"]].append(value)
        return {name: sum(of_runs) / len(of_runs) for name, of_runs in values.items()}


def sample_value(row: Mapping[str, str], protocol: str, metric: str) -> float | None:
    """Return what a row of `samples.csv` adds to a mean over samples, 1 for 100 percent.

    None where it does not count, or the file does not tell. cIoU may be read off the IoU.
    """
    own, iou = row.get(f"{protocol}/{metric}"), row.get(protocol)
    if own:
        return float(own) / 100
    return float(float(iou) >= 50) if iou and metric == "cIoU" else None
