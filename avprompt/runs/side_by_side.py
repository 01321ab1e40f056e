"""Methods side by side on every test split that all of them have scored: a table for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from avprompt.errors import listed
from avprompt.runs.compared_method import ComparedMethod
from avprompt.runs.comparison import Across, SplitComparison
from avprompt.runs.results import OUTDATED


@dataclass(frozen=True)
class Comparison:
    """Methods on one dataset, under one protocol; the first is the reference.

    Attributes:
        methods: with their finished runs.
        splits: that are compared, the headline first.
        left_out: split that is not compared -> names of the methods that have not scored it.
        folder: where `compare.json` and `compare.png` are.
        across: `encoders` where runs with different encoders were asked for.
        by: the protocol that was asked for; None for the one by which all were scored first.
    """

    methods: tuple[ComparedMethod, ...]
    splits: tuple[str, ...]
    left_out: Mapping[str, Sequence[str]]
    folder: Path
    across: Across | None = None
    by: str | None = None

    @property
    def dataset(self) -> str:
        """The benchmark."""
        return self.methods[0].results[0].dataset

    @property
    def split(self) -> str:
        """The headline split."""
        return self.splits[0]

    @property
    def protocol(self) -> str:
        """The protocol of the tables."""
        return self.by or self.methods[0].results[0].headline[0]

    @property
    def picture(self) -> Path:
        """The same clips under every method; there where all methods show the same."""
        return self.folder / "compare.png"

    @property
    def tables(self) -> dict[str, SplitComparison]:
        """The methods on each split, by its name."""
        return {
            split: SplitComparison(self.dataset, split, self.protocol, self.methods, self.across)
            for split in self.splits
        }

    @property
    def notes(self) -> list[str]:
        """Sentences on splits that not all methods have scored, and on numbers that are left out."""
        left_out = [
            f"The split '{split}' is left out: {listed(names)} did not score it."
            for split, names in self.left_out.items()
        ]
        outdated = [f"'{method.name}': {OUTDATED}." for method in self.methods if method.outdated]
        return [*left_out, *outdated, *(note for table in self.tables.values() for note in table.notes)]

    def to_markdown(self) -> str:
        """Return the tables as Markdown, without titles; several each under the name of its split."""
        tables = {split: table.to_markdown() for split, table in self.tables.items()}
        if len(tables) > 1:
            tables = {split: f"### {split}\n\n{table}" for split, table in tables.items()}
        return "\n".join([*tables.values(), *(f"{note}\n" for note in self.notes)])
