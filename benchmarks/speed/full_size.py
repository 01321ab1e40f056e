"""Full size without a download: do the published models fit, and does nothing of them get lost?

Writes random checkpoints of the published sizes in their official formats, loads and saves them, trains
souple and acl-ssl for one step and localises a sound; prints seconds and peak memory of each, measured in
a process of its own.

    python benchmarks/speed/full_size.py [--batch 4] [--threads 2] [--folder DIR] [--json]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

JOBS = {
    "write": "write random checkpoints of CLIPSeg and BEATs",
    "round-trip": "load them and save them, every bit compared",
    "souple": "train souple for one step, save and load it",
    "acl-ssl": "train acl-ssl for one step, save and load it, in the published format too",
    "localize": "localize with that acl-ssl",
}


@dataclass(frozen=True)
class Measured:
    """One job: wall-clock seconds with all imports, and the most memory that its process ever held."""

    job: str
    seconds: float
    peak_gib: float


def main() -> None:
    """Run every job in turn."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--batch", type=int, default=4, help="clips in a training step")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="keep the checkpoints here (2 GB)")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        measured = [measure(job, folder, arguments.batch, arguments.threads) for job in JOBS]
    if arguments.json:
        print(json.dumps([asdict(figure) for figure in measured]))
    else:
        show(measured, arguments.batch, arguments.threads)


def measure(job: str, folder: Path, batch: int, threads: int) -> Measured:
    """Run one job in its own process; this one must stay small, for a child's peak begins at its parent's."""
    script = Path(__file__).with_name("full_size_jobs.py")
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, str(script), job, str(folder), str(batch), str(threads)],
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return Measured(job, round(time.perf_counter() - began, 1), json.loads(done.stdout.splitlines()[-1]))


def show(measured: list[Measured], batch: int, threads: int) -> None:
    """Print one table."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"Published sizes, batch {batch}, {threads} CPU threads", title_justify="left")
    table.add_column("Job")
    table.add_column("Seconds", justify="right")
    table.add_column("Peak GiB", justify="right")
    for figure in measured:
        table.add_row(JOBS[figure.job], f"{figure.seconds:.1f}", f"{figure.peak_gib:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
