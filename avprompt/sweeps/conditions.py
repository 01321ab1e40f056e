"""The conditions of a sweep, cells without their seeds: their names, and a table of them for each split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from avprompt.errors import ConfigError, DataError, suggest
from avprompt.sweeps.cells import Cell, levels_text
from avprompt.sweeps.row import Row
from avprompt.sweeps.table import SweepTable

METHOD = "method"
"""The factor that the methods of a sweep are, where there are several."""


def tables_of(cells: Mapping[Cell, Sequence[Row]], reference: str | None = None) -> list[SweepTable]:
    """Return the tables of a sweep, one for each split of each dataset.

    Args:
        cells: the rows of each cell that is done.
        reference: name of the condition to compare with; the first of the sweep unless given.

    Raises:
        ConfigError: there is no such condition.
        DataError: rows of one split are of other samples or protocols.
    """
    names = condition_names([*cells])
    reference = reference_of(names, reference)
    several = len({cell.method for cell in cells}) > 1
    groups: dict[tuple[str, str], dict[str, list[Row]]] = {}
    levels: dict[str, dict[str, str]] = {}
    for cell, rows in cells.items():
        levels[names[cell]] = ({METHOD: cell.method} if several else {}) | dict(cell.levels)
        for row in rows:
            groups.setdefault((cell.dataset, row.split), {}).setdefault(names[cell], []).append(row)
    tables = []
    for (dataset, split), runs in groups.items():
        _check_paired(dataset, split, runs)
        first = reference if reference in runs else next(iter(runs))
        tables.append(SweepTable(dataset, split, runs, {name: levels[name] for name in runs}, first))
    return tables


def condition_names(cells: Sequence[Cell]) -> dict[Cell, str]:
    """Return the name of the condition of each cell: its method where there are several, and its levels."""
    several = len({cell.method for cell in cells}) > 1
    return {
        cell: " ".join(
            part
            for part in (Path(cell.method).stem * (several or not cell.levels), levels_text(cell.levels))
            if part
        )
        for cell in cells
    }


def reference_of(names: Mapping[Cell, str], reference: str | None) -> str:
    """Return the condition that the others are compared with.

    Raises:
        ConfigError: there is none of that name.
    """
    if reference is not None and reference not in names.values():
        raise ConfigError(
            f"There is no condition '{reference}' in the sweep. {suggest(reference, {*names.values()})}"
        )
    return reference or next(iter(names.values()), "")


def _check_paired(dataset: str, split: str, runs: Mapping[str, Sequence[Row]]) -> None:
    """Make sure that all rows of a table are of the same samples, truths and protocol."""
    kinds = {(row.samples, row.protocol, row.metric): name for name, rows in runs.items() for row in rows}
    if len(kinds) > 1:
        first, second, *_ = kinds.values()
        raise DataError(
            f"On {dataset}/{split} the runs of '{first}' and '{second}' were scored on different samples or "
            "by different protocols, and cannot stand in one table. Make the older ones again: --redo."
        )
