"""What a sweep comes to: its rows and failures, the tables made of them, and the files that hold these."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from avprompt.files import replacing
from avprompt.runs.results import write_rows
from avprompt.sweeps.cells import Cell
from avprompt.sweeps.conditions import tables_of
from avprompt.sweeps.row import Row
from avprompt.sweeps.sweep import Sweep
from avprompt.sweeps.table import SweepTable


@dataclass(frozen=True)
class SweepResult:
    """A sweep with what is known of its cells.

    Attributes:
        sweep: which runs were asked for.
        rows: of each cell that is done, one for each test split.
        missing: cells that are not done.
        failures: what went wrong, by the name of the cell.
        taken: cells that were in the ledger.
        outdated: those of them that were made by other code than today's.
        folder: of the run directories.
        ledger: where the rows are.
        reference: the condition that others are compared with; None for the first.
    """

    sweep: Sweep
    rows: Mapping[Cell, Sequence[Row]]
    missing: Sequence[Cell]
    failures: Mapping[str, str]
    taken: int
    outdated: int
    folder: Path
    ledger: Path
    reference: str | None = None

    @cached_property
    def tables(self) -> list[SweepTable]:
        """The conditions side by side, a table for each split of each dataset."""
        return tables_of(self.rows, self.reference)

    @property
    def notes(self) -> list[str]:
        """Sentences on what a reader of the tables must know."""
        notes = []
        if self.taken:
            others = f", {self.outdated} of them made by other code than today's (--redo makes them again)"
            notes.append(f"{self.taken} runs were taken from {self.ledger}{others if self.outdated else ''}.")
        if self.missing:
            count = len(self.missing) + len(self.rows)
            notes.append(
                f"{len(self.missing)} of {count} runs are not done, {self.missing[0].name} the first."
            )
        machines = {(row.machine, row.threads) for rows in self.rows.values() for row in rows}
        if len(machines) > 1:
            shown = sorted(
                f"{name or 'an unknown one'} ({threads or '?'} threads)" for name, threads in machines
            )
            notes.append(f"The runs were made on several machines, whose numbers differ: {', '.join(shown)}.")
        return notes

    def to_markdown(self) -> str:
        """Return all tables as Markdown, each under its title."""
        return "\n".join(f"### {table.title}\n\n{table.to_markdown()}" for table in self.tables)

    def write(self) -> None:
        """Write `sweep.json`, `sweep.csv` and `sweep.md` into the folder."""
        tables = [table.summary() for table in self.tables]
        whole = {
            "sweep": self.sweep.model_dump(mode="json"),
            "tables": tables,
            "failures": dict(self.failures),
        }
        with replacing(self.folder / "sweep.json") as temporary:
            temporary.write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")
        with replacing(self.folder / "sweep.md") as temporary:
            temporary.write_text(self.to_markdown(), encoding="utf-8")
        columns = ["dataset", "split", "metric", "condition", "mean", "standard_deviation", "seeds"]
        columns += ["difference", "low", "high"]
        lines = [
            {name: table[name] for name in ("dataset", "split", "metric")}
            | {name: condition[name] for name in ("condition", "mean", "standard_deviation")}
            | {"seeds": len(condition["seeds"])}
            | _bounds(condition["difference"])
            for table in tables
            for condition in table["conditions"]
        ]
        write_rows(self.folder / "sweep.csv", lines, columns)


def _bounds(difference: Mapping[str, float] | None) -> dict[str, object]:
    if difference is None:
        return {}
    return {"difference": difference["estimate"], "low": difference["low"], "high": difference["high"]}
