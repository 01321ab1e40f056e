"""The table of a sweep on one split: conditions, differences to the first, and the effect of each factor."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from statistics import mean, stdev
from typing import Any

import numpy as np

from avprompt.metrics.statistics import Difference, paired_bootstrap_of_runs
from avprompt.runs.comparison import spread
from avprompt.sweeps.row import Row, unpack

ALTERED = {
    "shuffled sound": ("audio", "shuffled"),
    "other context": ("context", "other", "true"),
}
"""Columns of the table: where a row has the headline under an altered input, see `Row.reliance`."""


@dataclass(frozen=True)
class Effect:
    """What a level of a factor changes, over all levels of the others, in percent.

    Attributes:
        factor: its name.
        level: that is put in the place of the first.
        first: level of the factor.
        difference: of the headline, its mean over all combinations of the other factors.
    """

    factor: str
    level: str
    first: str
    difference: Difference


@dataclass(frozen=True)
class SweepTable:
    """The conditions of a sweep on one split of a dataset. A condition is a cell without its seed.

    Attributes:
        dataset: the benchmark.
        split: of it.
        runs: rows of each condition, by its name.
        levels: the level of each factor, by the name of the condition; several methods are a factor too.
        reference: the condition that the others are compared with.
    """

    dataset: str
    split: str
    runs: Mapping[str, Sequence[Row]]
    levels: Mapping[str, Mapping[str, str]]
    reference: str

    @property
    def headline(self) -> tuple[str, str]:
        """The protocol, and its metric."""
        row = next(iter(self.runs.values()))[0]
        return row.protocol, row.metric

    @property
    def title(self) -> str:
        """What is shown, and how it was scored."""
        protocol, metric = self.headline
        count = next(iter(self.runs.values()))[0].n
        return f"{self.dataset}/{self.split}, {metric} under {protocol}, {count:,} samples"

    @cached_property
    def differences(self) -> dict[str, Difference]:
        """How much higher than the reference's the headline of each other condition is, in percent.

        Runs of one seed are paired; a method that trains nothing has one run for all seeds. Those are left
        out that have no seed in common with the reference, and all if the headline is no mean over samples.
        """
        differences = {}
        for name in self.runs:
            names = (self.reference, name)
            seeds = self._seeds(names)
            if name != self.reference and seeds and self._has_hits(names):
                before, after = (100 * self._hits(condition, seeds) for condition in names)
                differences[name] = paired_bootstrap_of_runs(before, after)
        return differences

    @cached_property
    def effects(self) -> list[Effect]:
        """The main effects: of each factor its levels against the first, with the same seeds everywhere.

        None where there is one factor only, or where not every combination of levels has been run.
        """
        factors = self._factors()
        combinations = math.prod(map(len, factors.values()))
        names = [*self.runs]
        seeds = self._seeds(names)
        if len(factors) < 2 or len(names) < combinations or not seeds or not self._has_hits(names):
            return []
        hits = {name: 100 * self._hits(name, seeds) for name in self.runs}

        def at(factor: str, level: str) -> np.ndarray:
            of_level = [hits[name] for name in hits if self.levels[name][factor] == level]
            return np.asarray(np.mean(of_level, axis=0))

        return [
            Effect(factor, level, first, paired_bootstrap_of_runs(at(factor, first), at(factor, level)))
            for factor, (first, *others) in factors.items()
            for level in others
        ]

    def _factors(self) -> dict[str, list[str]]:
        """Return the levels of each factor that has several."""
        names = next(iter(self.levels.values()))
        levels = {factor: [*dict.fromkeys(of[factor] for of in self.levels.values())] for factor in names}
        return {factor: of_factor for factor, of_factor in levels.items() if len(of_factor) > 1}

    def _seeds(self, names: Sequence[str]) -> list[int]:
        """Return the seeds that all these conditions have run; those that train nothing have every seed."""
        trained = [{row.seed for row in self.runs[name]} for name in names if _trained(self.runs[name])]
        untrained = [{row.seed for row in self.runs[name]} for name in names if not _trained(self.runs[name])]
        return sorted(set.intersection(*(trained or untrained)))

    def _hits(self, name: str, seeds: Sequence[int]) -> np.ndarray:
        """Return what each sample adds to the headline (S, N), a row for each seed."""
        of_seed = {row.seed: row for row in self.runs[name]}
        rows = [of_seed[seed] if _trained(self.runs[name]) else self.runs[name][0] for seed in seeds]
        return np.stack([unpack(row.hits, row.n) for row in rows])

    def _has_hits(self, names: Sequence[str]) -> bool:
        return all(row.hits for name in names for row in self.runs[name])

    @cached_property
    def lines(self) -> list[list[str]]:
        """The table as text, its head first."""
        metric = self.headline[1].replace("_", " ")
        altered = [f"{name}, {metric}" for name in ALTERED]
        head = ["Percent", metric, "seeds", f"Δ {metric}", "95 %", "AUC", *altered, "published"]
        lines = [head, *(self._line(name) for name in self.runs)]
        kept = [
            column for column in range(len(head)) if column < 5 or any(line[column] for line in lines[1:])
        ]
        return [[line[column] for column in kept] for line in lines]

    def _line(self, name: str) -> list[str]:
        rows = self.runs[name]
        aucs = [row.AUC for row in rows if row.AUC is not None]
        return [
            name,
            spread([row.score for row in rows]),
            str(len(rows)),
            *_shown(self.differences.get(name)),
            spread(aucs),
            *(spread(_under(rows, path)) for path in ALTERED.values()),
            "; ".join(dict.fromkeys(_printed(rows))),
        ]

    @property
    def effect_lines(self) -> list[list[str]]:
        """The main effects as text, their head first."""
        head = ["Main effect", f"Δ {self.headline[1].replace('_', ' ')}", "95 %"]
        lines = [
            [f"{effect.factor}: {effect.level} for {effect.first}", *_shown(effect.difference)]
            for effect in self.effects
        ]
        return [head, *lines] if lines else []

    def to_markdown(self) -> str:
        """Return the table and the main effects as Markdown, without the title."""
        parts = [_markdown(lines) for lines in (self.lines, self.effect_lines) if lines]
        return "\n".join(parts)

    def summary(self) -> dict[str, Any]:
        """Return all numbers, ready for JSON."""
        protocol, metric = self.headline
        effects = [asdict(effect) for effect in self.effects]
        whole = {"dataset": self.dataset, "split": self.split, "protocol": protocol, "metric": metric}
        return whole | {"reference": self.reference, "conditions": [*self.conditions()], "effects": effects}

    def conditions(self) -> Iterator[dict[str, Any]]:
        """Yield the numbers of each condition."""
        for name, rows in self.runs.items():
            scores = [row.score for row in rows]
            difference = self.differences.get(name)
            yield {
                "condition": name,
                "method": rows[0].method,
                "levels": dict(self.levels[name]),
                "seeds": [row.seed for row in rows],
                "scores": scores,
                "mean": mean(scores),
                "standard_deviation": stdev(scores) if len(scores) > 1 else None,
                "difference": asdict(difference) if difference else None,
            }


def _under(rows: Sequence[Row], path: Sequence[str]) -> list[float]:
    """Return the headline of each row that was measured with an altered input."""
    scores = []
    for row in rows:
        at: Any = row.reliance
        for name in (*path, row.metric):
            at = at.get(name) if at else None
        scores += [] if at is None else [at]
    return scores


def _trained(rows: Sequence[Row]) -> bool:
    return rows[0].trainable_parameters > 0


def _shown(difference: Difference | None) -> list[str]:
    if difference is None:
        return ["", ""]
    return [f"{difference.estimate:+.1f}", f"{difference.low:+.1f} .. {difference.high:+.1f}"]


def _printed(rows: Sequence[Row]) -> Iterator[str]:
    """Yield what papers print for these very runs."""
    for row in rows:
        for printed in row.beside.get("published", ()):
            if row.metric in printed["scores"]:
                score, trained_on = printed["scores"][row.metric], printed["trained_on"]
                yield f"{score:.2f} ({printed['protocol']}, trained on {trained_on})"


def _markdown(lines: Sequence[Sequence[str]]) -> str:
    rule = ["---", *["---:"] * (len(lines[0]) - 1)]
    return "".join(f"| {' | '.join(line)} |\n" for line in (lines[0], rule, *lines[1:]))
