"""Methods side by side on one split: a column a method, a row a number, differences to the first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from statistics import mean, stdev
from typing import Literal

import numpy as np

from avprompt.data.benchmark import PublishedScores
from avprompt.metrics.statistics import Difference, paired_bootstrap
from avprompt.runs.compared_method import ComparedMethod
from avprompt.runs.reliance import CONTEXT_RELIANCE, RELIANCE
from avprompt.runs.result_table import BOUNDS

Across = Literal["encoders"]
"""What the runs of a comparison may differ in, when it is asked for."""

Row = list[str]


@dataclass(frozen=True)
class SplitComparison:
    """Methods on one split of one dataset, under one protocol; the first is the reference.

    Attributes:
        across: `encoders` where runs with different encoders were asked for: their names are a row then.
    """

    dataset: str
    split: str
    protocol: str
    methods: tuple[ComparedMethod, ...]
    across: Across | None = None

    @property
    def is_headline(self) -> bool:
        """Whether all were scored by it first: floors, ceilings and reliance are known for that one only."""
        headlines = (result.headline[0] for method in self.methods for result in method.results)
        return all(headline == self.protocol for headline in headlines)

    @property
    def metrics(self) -> tuple[str, ...]:
        """The protocol's metrics, the one first that stands for it, such as cIoU, or mIoU and F."""
        first = self.methods[0].results[0]
        scores = first.scores[self.split][self.protocol]
        names = [name for name, value in scores.items() if isinstance(value, float) and name != "threshold"]
        headline = first.headline[1] if first.headline[0] == self.protocol else next(iter(names), "")
        return headline, *(name for name in names if name != headline)

    @property
    def metric(self) -> str:
        """The metric that stands for the protocol, by which everything but the scores goes."""
        return self.metrics[0]

    def values(self, method: ComparedMethod, metric: str) -> list[float]:
        """Return a score of each run of a method, in percent."""
        return method.values(self.split, "scores", self.protocol, metric)

    def interval(self, method: ComparedMethod) -> tuple[float, float] | None:
        """Return the 95 % interval over samples of a method's metric, in percent, where it has one run."""
        result, *others = method.results
        intervals = result.intervals.get(self.split, {}).get(self.protocol, {})
        return None if others else intervals.get(self.metric)

    @cached_property
    def title(self) -> str:
        """What was compared, on how many samples and seeds."""
        first = self.methods[0]
        counts = first.results[0].samples[self.split]
        return (
            f"{self.dataset}/{self.split}, {self.protocol}, {self._encoders}\n"
            f"{counts.used:,} of {counts.expected:,} samples, {self._seeds}"
        )

    @property
    def _encoders(self) -> str:
        first, *others = dict.fromkeys(method.results[0].encoders for method in self.methods)
        return "different encoders" if others else f"{first} encoders"

    @property
    def _seeds(self) -> str:
        runs = max(len(method.results) for method in self.methods)
        spreads = "mean ± standard deviation"
        if len({method.seeds for method in self.methods}) > 1:
            return f"different seeds, {spreads}" if runs > 1 else "different seeds"
        return f"{runs} seeds, {spreads}" if runs > 1 else f"seed {self.methods[0].shown_seeds}"

    @cached_property
    def sections(self) -> list[list[Row]]:
        """The rows of the table as text, scores in percent.

        First what the runs differ in beside their methods, then scores, reliance on sound and context, floors
        and ceilings, and published numbers. The first cell of a row says what it is, the others belong to the
        methods.
        """
        parts = self._recipes, self._scores, self._reliance, self._bounds, self._published
        return [list(part()) for part in parts]

    def to_markdown(self) -> str:
        """Return the table as Markdown, without the title."""
        head, line = self._row("Percent", lambda method: method.name), self._row("---", lambda method: "---:")
        rows = [head, line, *(row for section in self.sections for row in section)]
        return "".join(f"| {' | '.join(cell.strip() for cell in row)} |\n" for row in rows)

    def difference(self, method: ComparedMethod) -> Difference | None:
        """Return how much higher than the first one's a method's headline is, sample by sample, in percent.

        A paired bootstrap over the test samples, each one's value averaged over seeds. None where the
        headline is no mean over samples, or other samples count in the two, which `notes` says.
        """
        before, after = (self._per_sample(compared) for compared in (self.methods[0], method))
        if not before or before.keys() != after.keys():
            return None
        first, second = (
            100 * np.array([shares[name] for name in sorted(shares)]) for shares in (before, after)
        )
        return paired_bootstrap(first, second)

    @property
    def notes(self) -> list[str]:
        """Sentences on what is left out, and why: bounds and reliance, and paired intervals of methods.

        These have none if other samples count in their runs.
        """
        first, *others = self.methods
        notes = []
        if not self.is_headline:
            notes.append(
                f"Floors, ceilings and reliance on '{self.split}' are left out: they are known under the "
                f"protocol only by which a run was scored first, and that is not '{self.protocol}'. "
                f"`avprompt evaluate RUN --protocol {self.protocol}` leaves a run that has them."
            )
        for method in others:
            ours, theirs = (self._per_sample(compared).keys() for compared in (first, method))
            if ours != theirs and not (first.outdated or method.outdated):
                notes.append(
                    f"'{first.name}' and '{method.name}' have no paired interval on '{self.split}': other "
                    f"samples count in their samples.csv ({len(ours)} and {len(theirs)}). Score both again "
                    "with `avprompt evaluate`."
                )
        return notes

    def _per_sample(self, method: ComparedMethod) -> dict[str, float]:
        """Return what each sample that counts adds to a method's headline, by id."""
        return method.per_sample(self.split, self.protocol, self.metric)

    def _recipes(self) -> Iterator[Row]:
        """Seeds, encoders and training options in which the runs differ."""
        if len({method.seeds for method in self.methods}) > 1:
            yield self._row("seed", lambda method: method.shown_seeds)
        for name in dict.fromkeys(name for method in self.methods for name in method.recipe.options):
            row = self._row(name, partial(self._option, name))
            if name == self.across or len({cell for cell in row[1:] if cell}) > 1:
                yield row

    def _scores(self) -> Iterator[Row]:
        yield self._row("trained parameters", lambda method: f"{method.results[0].trainable_parameters:,}")
        for metric in self.metrics:
            path, name = ("scores", self.protocol, metric), metric.replace("_", " ")
            yield self._row(name, partial(self._spread, path))
            yield self._row(f"  Δ {name}", partial(self._change, path))
        paired = self._row(f"  Δ {self.metric.replace('_', ' ')}, paired 95 %", self._interval)
        if any(paired[1:]):  # not where the headline is no mean over samples
            yield paired

    def _reliance(self) -> Iterator[Row]:
        """What is left of the headline under other sounds and other contexts."""
        if not self.is_headline:
            return
        sounds = ((name, ("audio_reliance", sound, of or self.metric)) for name, sound, of in RELIANCE)
        contexts = ((name, ("context_reliance", *cell, self.metric)) for name, *cell in CONTEXT_RELIANCE)
        for name, path in (*sounds, *contexts):
            row = self._row(name, partial(self._spread, path))
            if any(row[1:]):
                yield row

    def _bounds(self) -> Iterator[Row]:
        for kind, field in BOUNDS.items() if self.is_headline else ():
            tables = [getattr(method.results[0], field).get(self.split, {}) for method in self.methods]
            for name in dict.fromkeys(name for table in tables for name in table):
                path = (field, name, self.metric)
                yield self._row(f"{kind}: {name}", partial(self._bound, path))
            outdated = any(method.outdated for method in self.methods)
            if kind == "floor" and not any(tables) and not outdated:
                yield self._row("floor", lambda method: "none")

    def _published(self) -> Iterator[Row]:
        """What papers print for these very compositions, each with its protocol and training data."""
        printed = (scores for method in self.methods for scores in self._printed_of(method))
        for protocol, trained_on in dict.fromkeys((scores.protocol, scores.trained_on) for scores in printed):
            name = f"published cIoU ({protocol}), trained on {trained_on}"
            yield self._row(name, partial(self._printed, protocol, trained_on))

    def _printed_of(self, method: ComparedMethod) -> list[PublishedScores]:
        """Return what papers print of a method on this split, where that has a cIoU."""
        published = method.results[0].published
        return [scores for scores in published if scores.split == self.split and "cIoU" in scores.scores]

    def _row(self, name: str, cell: Callable[[ComparedMethod], str]) -> Row:
        return [name, *(cell(method) for method in self.methods)]

    def _option(self, name: str, method: ComparedMethod) -> str:
        return str(method.recipe.options.get(name, ""))

    def _spread(self, path: tuple[str, ...], method: ComparedMethod) -> str:
        return spread(method.values(self.split, *path))

    def _bound(self, path: tuple[str, ...], method: ComparedMethod) -> str:
        values = method.values(self.split, *path)
        return spread(values[:1] if len(set(values)) == 1 else values)

    def _change(self, path: tuple[str, ...], method: ComparedMethod) -> str:
        first = self.methods[0]
        before, after = (compared.values(self.split, *path) for compared in (first, method))
        return f"{mean(after) - mean(before):+.2f}" if method is not first and before and after else ""

    def _interval(self, method: ComparedMethod) -> str:
        change = None if method is self.methods[0] else self.difference(method)
        return f"{change.low:+.1f} .. {change.high:+.1f}" if change else ""

    def _printed(self, protocol: str, trained_on: str, method: ComparedMethod) -> str:
        matching = [
            f"{scores.scores['cIoU']:.2f}"
            for scores in self._printed_of(method)
            if (scores.protocol, scores.trained_on) == (protocol, trained_on)
        ]
        return "; ".join(matching)


def spread(values: Sequence[float]) -> str:
    """Write a number, or the mean and sample standard deviation of several."""
    if not values:
        return ""
    return f"{mean(values):.1f} ± {stdev(values):.1f}" if len(values) > 1 else f"{values[0]:.2f}"
