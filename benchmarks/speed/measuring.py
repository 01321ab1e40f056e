"""What every speed script needs: medians, peak memory in a process of its own, the machine, one table.

Nothing here imports torch before it is needed: a child's peak memory begins at its parent's, so the
process that starts children must stay small.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

FOLDER = Path(__file__).resolve().parent


def options(doc: str | None) -> argparse.ArgumentParser:
    """Return a parser with the options that every script has, described by the script's docstring."""
    parser = argparse.ArgumentParser(description=(doc or "").partition("\n")[0])
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="CPU threads")
    parser.add_argument("--repeats", type=int, default=3, help="timed after one warm-up; the median counts")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    return parser


def add_device(parser: argparse.ArgumentParser) -> None:
    """Let the user choose where models run."""
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")


def set_up(threads: int, device: str = "cpu") -> str:
    """Set the threads of this process and return the device that `auto` means here."""
    import torch

    torch.set_num_threads(threads)
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return device


def median_seconds(action: Callable[[], object], repeats: int, device: str = "cpu") -> float:
    """Return the median wall-clock seconds of an action, after one run that warms up."""
    action()
    return median(seconds(action, device) for _ in range(repeats))


def seconds(action: Callable[[], object], device: str = "cpu") -> float:
    """Return the wall-clock seconds of an action, the device's queue worked off before and after."""
    synchronise(device)
    began = time.perf_counter()
    action()
    synchronise(device)
    return time.perf_counter() - began


def synchronise(device: str) -> None:
    """Wait until the device has done what it was given."""
    if device == "cuda":
        import torch

        torch.cuda.synchronize()


def peak_gib(device: str = "cpu") -> float:
    """Return the most memory that this process ever held: on the GPU where it used one, else resident."""
    if device == "cuda":
        import torch

        return torch.cuda.max_memory_allocated() / 2**30
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def run_job(script: str, request: dict[str, Any]) -> Any:
    """Run a script of this folder in its own process; its last line of output is its answer, as JSON."""
    command = [sys.executable, str(FOLDER / script), json.dumps(request)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def tell(news: str) -> None:
    """Say how far a long script has come, beside its table."""
    print(news, file=sys.stderr, flush=True)


def machine(threads: int, device: str = "cpu") -> str:
    """Return one line on where figures were taken: processor or card, threads, torch, date."""
    from importlib.metadata import version

    where = f"{_processor()}, {threads} of {os.cpu_count()} cores"
    if device == "cuda":
        import torch

        where = f"{torch.cuda.get_device_name()}, {where}"
    return f"{where}; torch {version('torch')}; {datetime.date.today().isoformat()}"


def report(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    caption: str,
    as_json: bool,
    figures: Any = None,
) -> None:
    """Print one table, or the figures behind it as JSON.

    Args:
        title: what was measured.
        columns: headings; the first column is text, the others are numbers.
        rows: cells; floats are shown to three digits.
        caption: below the table: the machine, and what a reader must know.
        as_json: print `figures` instead, or the rows where there are none.
        figures: anything that JSON can hold.
    """
    if as_json:
        if figures is None:
            figures = [dict(zip(columns, row, strict=True)) for row in rows]
        print(json.dumps({"title": title, "machine": caption, "figures": figures}))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index == 0 else "right")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    console = Console()
    console.print(table)
    console.print(caption, style="dim", highlight=False)


def _cell(value: object) -> str:
    """Show floats to three digits."""
    if not isinstance(value, float):
        return str(value)
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:#.3g}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
