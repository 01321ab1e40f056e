"""The ledger: a csv file with a row for each test split of each finished run; it outlives run directories."""

from __future__ import annotations

import csv
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pydantic import ValidationError

from avprompt.config.options import explain
from avprompt.config.tables import ENCODERS
from avprompt.errors import ConfigError, DataError
from avprompt.files import locked, replacing
from avprompt.registry import Registry
from avprompt.runs.results import read_rows
from avprompt.sweeps.cells import Cell
from avprompt.sweeps.identity import Identity, encoder_weights
from avprompt.sweeps.row import COLUMNS, Row

_PATIENCE = 60.0
"""Seconds to wait for others that append."""


def read_ledger(path: Path) -> list[Row]:
    """Return all rows of a ledger; none where there is no such file.

    Raises:
        DataError: it is damaged, or of another version.
    """
    rows = []
    for number, cells in enumerate(read_rows(path) if path.is_file() else [], 2):
        try:
            rows.append(Row.model_validate(cells))
        except ValidationError as error:
            raise DataError(f"'{path}', row {number}: {explain(error, 'it', Row)}") from error
        except ValueError as error:
            raise DataError(f"'{path}', row {number} cannot be read: {error}") from error
    return rows


def append(path: Path, rows: Sequence[Row]) -> None:
    """Add rows to a ledger, which may not be there yet; several processes may do so at a time.

    Raises:
        DataError: the file has other columns.
        ConfigError: another process keeps the ledger for a minute.
    """
    with _patient(path.with_name(f".{path.name}.lock")):
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        head = next(csv.reader(text.splitlines()), list(COLUMNS))
        if tuple(head) != COLUMNS:
            raise DataError(f"'{path}' is no ledger of this version: its columns are {', '.join(head)}.")
        with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            file.write(text)
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            if not text:
                writer.writeheader()
            writer.writerows(row.cells() for row in rows)


def machine() -> str:
    """Return the name of the processor."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


@contextmanager
def _patient(lock: Path) -> Iterator[None]:
    """Hold a lock file, after others that hold it for a moment."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + _PATIENCE
    with ExitStack() as held:
        while True:
            try:
                held.enter_context(locked(lock))
                break
            except (ConfigError, FileNotFoundError):  # another has it, or has just given it back
                if time.monotonic() > until:
                    raise
                time.sleep(0.02)
        yield


def recorded(registry: Registry, plan: Mapping[Cell, Identity], rows: Sequence[Row]) -> dict[Cell, list[Row]]:
    """Return the cells that a ledger holds on every split with their rows, whatever sweep made these.

    Of several runs of one cell the newest counts, and before all others one made by today's code.

    Raises:
        WeightsError: weights are not there, so that nobody can say whether the rows are of the same.
    """
    groups: dict[tuple[str, int], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.dataset, row.seed), []).append(row)
    weights: dict[str, dict[str, str]] = {}
    cells: dict[Cell, list[Row]] = {}
    for cell, identity in plan.items():
        same = [row for row in groups.get((cell.dataset, cell.seed), []) if identity.matches(row.config)]
        if not same:
            continue
        encoders = repr([getattr(identity.method_config, part) for part in ENCODERS])
        if encoders not in weights:
            weights[encoders] = encoder_weights(registry, identity.method_config)
        code = identity.code
        same = [row for row in same if row.weights == weights[encoders]]
        latest = {row.split: row for row in sorted(same, key=lambda row: (row.code == code, row.date))}
        splits = cell.settings.evaluation.splits or registry.load("datasets", cell.dataset).test_splits
        if all(split in latest for split in splits):
            cells[cell] = [latest[split] for split in splits]
    return cells
