"""Cells being run: one after another in this process, or side by side, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import traceback
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import IO

from avprompt.errors import AvpromptError
from avprompt.plugin.discovery import Loaded
from avprompt.runs.directory import RunDirectory
from avprompt.runs.progress import Reporter
from avprompt.runs.run import execute
from avprompt.runs.session import open_session
from avprompt.sweeps.cells import Cell

Watch = Callable[[int, Sequence[str]], None]
"""Is told how many cells are over, and the names of those that are being run."""

_THREADS = "OMP_NUM_THREADS"
_POLL, _PATIENCE = 0.1, 60.0
_LAST_LINES = 15


@dataclass(frozen=True)
class Over:
    """A cell that is over, with what went wrong, if anything did."""

    cell: Cell
    error: str | None = None


def one_by_one(
    loaded: Loaded, cells: Sequence[Cell], reporter: Reporter, watch: Watch
) -> Generator[Over, None, None]:
    """Run cells in this process; what is done or begun is taken up."""
    for number, cell in enumerate(cells):
        watch(number, [cell.name])
        yield Over(cell, _run(loaded, cell, reporter))


def _run(loaded: Loaded, cell: Cell, reporter: Reporter) -> str | None:
    """Run a cell, and return what went wrong."""
    try:
        session = open_session(loaded, cell.method, cell.settings)
        execute(session, RunDirectory(cell.folder), resume=cell.begun, reporter=reporter)
    except AvpromptError as error:
        return str(error)
    except Exception:  # a bug or a plugin's: the other cells can do without
        return traceback.format_exc()
    return None


def threads_for(jobs: int) -> int:
    """Return how many threads each of so many processes has: its share of the cores, or fewer if so asked."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    asked = os.environ.get(_THREADS, "")
    share = max(1, cores // jobs)
    return min(share, int(asked)) if asked.isdigit() and int(asked) else share


def side_by_side(cells: Sequence[Cell], jobs: int, watch: Watch) -> Generator[Over, None, None]:
    """Run so many cells at a time, each by its own command; all end when the caller does."""
    waiting, over = deque(cells), 0
    running: list[Process] = []
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                running.append(Process(waiting.popleft(), threads_for(jobs)))
                watch(over, [process.cell.name for process in running])
            for process in [process for process in running if process.ended]:
                running.remove(process)
                over += 1
                watch(over, [process.cell.name for process in running])
                yield Over(process.cell, process.error())
            time.sleep(_POLL)
    finally:
        _end(running)


class Process:
    """A cell at work in a process of its own, which says nothing but what goes wrong."""

    def __init__(self, cell: Cell, threads: int) -> None:
        self.cell = cell
        self.said: IO[bytes] = tempfile.TemporaryFile()
        # The very code that runs here, wherever it was found; -P keeps the working folder out.
        paths = os.pathsep.join(path for path in sys.path if path)
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "avprompt", *cell.arguments],
            env=os.environ | {"PYTHONPATH": paths, _THREADS: str(threads), "COLUMNS": "1000"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self.said,
        )

    @property
    def ended(self) -> bool:
        """Whether the process is over."""
        return self.process.poll() is not None

    def error(self) -> str | None:
        """Return what went wrong in a process that has ended: its message, or its last lines."""
        self.said.seek(0)
        said = self.said.read().decode(errors="replace").strip()
        self.said.close()
        if self.process.returncode == 0:
            return None
        message = said.rpartition("Error: ")[2] if "\nError: " in f"\n{said}" else said
        lines = message.splitlines()[-_LAST_LINES:]
        return "\n".join(lines) or f"The process ended with {self.process.returncode} and without a word."


def _end(running: Sequence[Process]) -> None:
    """Ask processes to end, which save a training step first, and wait for them."""
    for process in running:
        process.process.terminate()
        process.said.close()
    until = time.monotonic() + _PATIENCE
    try:
        for process in running:
            process.process.wait(max(0.0, until - time.monotonic()))
    except (subprocess.TimeoutExpired, KeyboardInterrupt):  # too slow, or asked a second time
        for process in running:
            process.process.kill()
            process.process.wait()
