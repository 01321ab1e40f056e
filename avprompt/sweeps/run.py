"""A sweep from its plan to its rows: what the ledger has is taken, the rest is run and entered."""

from __future__ import annotations

import signal
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import torch

from avprompt.distributed import launched_size
from avprompt.errors import ConfigError
from avprompt.plugin.discovery import Loaded
from avprompt.runs.directory import RUNS, RunDirectory, numbered
from avprompt.runs.progress import Progress as Bars
from avprompt.runs.progress import Quiet
from avprompt.runs.results import read_results
from avprompt.sweeps.cells import Cell
from avprompt.sweeps.conditions import condition_names, reference_of
from avprompt.sweeps.identity import Identity
from avprompt.sweeps.ledger import append, machine, read_ledger, recorded
from avprompt.sweeps.plan import plan_sweep
from avprompt.sweeps.progress import watching
from avprompt.sweeps.result import SweepResult
from avprompt.sweeps.row import rows_of
from avprompt.sweeps.running import one_by_one, side_by_side, threads_for
from avprompt.sweeps.sweep import Sweep
from avprompt.training.interruption import Interrupted

LEDGER = "ledger.csv"


def sweep_folder(sweep: Sweep) -> Path:
    """Return where the runs of a sweep go unless the user says otherwise."""
    return RUNS / "sweeps" / sweep.name


def ledger_of(sweep: Sweep, folder: Path) -> Path:
    """Return the ledger of a sweep: its own where that one's folder is here, else one beside its runs."""
    own = sweep.ledger
    return own if own is not None and own.parent.is_dir() else folder / LEDGER


def run_cells(
    loaded: Loaded,
    sweep: Sweep,
    folder: Path,
    ledger: Path,
    *,
    jobs: int = 1,
    redo: bool = False,
    done_only: bool = False,
    reference: str | None = None,
    progress: bool = False,
) -> SweepResult:
    """Run what the ledger does not have yet; a cell that fails stops no other.

    Args:
        loaded: plugins.
        sweep: which runs.
        folder: of the run directories; what is done or begun there is taken up.
        ledger: csv file where each run is entered as soon as it is done.
        jobs: runs at a time.
        redo: also run what was made by other code than today's, into folders of their own.
        done_only: run nothing.
        reference: the condition that others are compared with; the first unless given.
        progress: show it on the standard error.

    Raises:
        AvpromptError: something does not fit in a cell; then nothing is run.
        Interrupted: by a signal; what has begun goes on when the sweep is run again.
    """
    if launched_size() > 1:
        raise ConfigError(
            "A sweep is no work for a launcher, whose processes would all do it: use --jobs, or launch each "
            "command that --dry-run prints."
        )
    plan = plan_sweep(loaded, sweep, folder)
    reference_of(condition_names([*plan]), reference)
    codes = {cell: identity.code for cell, identity in plan.items()}
    rows = recorded(loaded.registry, plan, read_ledger(ledger))
    others = [cell for cell in rows if any(row.code != codes[cell] for row in rows[cell])]
    if redo:
        plan, codes = _anew(plan, codes, others)
        rows = {cell: of_cell for cell, of_cell in rows.items() if cell not in others}
        others = []
    taken = len(rows)
    waiting = [] if done_only else [cell for cell in plan if cell not in rows]
    machine_and_threads = {
        "machine": machine(),
        "threads": torch.get_num_threads() if jobs == 1 else threads_for(jobs),
    }
    failures: dict[str, str] = {}
    try:
        with closing(_ends(loaded, waiting, jobs=jobs, progress=progress)) as ends:
            for cell, error, measured_now in ends:
                if error is not None:
                    failures[cell.name] = error
                    continue
                code = _unchanged(plan[cell], codes[cell])
                made_by = {**machine_and_threads, "code": code} if measured_now else {}
                rows[cell] = rows_of(sweep.name, cell, plan[cell], read_results(cell.folder), made_by=made_by)
                append(ledger, rows[cell])
    except KeyboardInterrupt as error:
        number = getattr(error, "number", signal.SIGINT)
        message = (
            f"Interrupted. {len(rows)} of {len(plan)} runs are done; the same command goes on from there."
        )
        raise Interrupted(number, message) from error
    ordered = {cell: rows[cell] for cell in plan if cell in rows}
    missing = [cell for cell in plan if cell not in rows]
    result = SweepResult(sweep, ordered, missing, failures, taken, len(others), folder, ledger, reference)
    folder.mkdir(parents=True, exist_ok=True)
    result.write()
    return result


def _ends(
    loaded: Loaded, cells: Sequence[Cell], *, jobs: int, progress: bool
) -> Generator[tuple[Cell, str | None, bool], None, None]:
    """Run cells; yield each when it is over, what went wrong, and whether it was run now.

    A run directory that was finished before, by nobody knows which code, was not.
    """
    finished = {cell for cell in cells if RunDirectory(cell.folder).results.is_file()}
    with watching(len(cells), jobs=jobs, shown=progress) as watch:
        if jobs == 1:
            ends = one_by_one(loaded, cells, Bars() if progress else Quiet(), watch)
        else:
            ends = side_by_side(cells, jobs, watch)
        with closing(ends):
            for over in ends:
                yield over.cell, over.error, over.cell not in finished


def _anew(
    plan: Mapping[Cell, Identity], codes: Mapping[Cell, str], others: list[Cell]
) -> tuple[dict[Cell, Identity], dict[Cell, str]]:
    """Give cells that are to be made again a folder that holds no finished run."""
    moved = {cell: replace(cell, folder=_unfinished(cell.folder)) for cell in others}
    return (
        {moved.get(cell, cell): identity for cell, identity in plan.items()},
        {moved.get(cell, cell): code for cell, code in codes.items()},
    )


def _unfinished(folder: Path) -> Path:
    return next(path for path in numbered(folder) if not RunDirectory(path).results.is_file())


def _unchanged(identity: Identity, code: str) -> str:
    """Return the hash of the code, or nothing where it was edited while the sweep went on."""
    return code if identity.code == code else ""
