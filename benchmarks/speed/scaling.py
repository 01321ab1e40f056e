"""What a training step costs against its batch, the size of the images, and the number of processes.

    python benchmarks/speed/scaling.py [--method souple] [--size published] [--batches 2 4 8]
        [--sides 176 352 528] [--processes 1 2] [--threads 2] [--repeats 1] [--device auto]
        [--folder DIR] [--json]

Image sizes are tried at the smallest batch; the miniature has one size only. Processes share the clips of the
middle batch, and the threads, and contrast each clip with the clips of all; their peaks are added up. The
ratio of seconds, and the predicted one of multiply-adds, are to the first row of the same kind.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from measuring import FOLDER, add_device, machine, options, report, run_job

JOBS = "train_step_jobs.py"
RANKS = FOLDER / "scaling_rank.py"


def main() -> None:
    """Measure the three ways to grow."""
    parser = options(__doc__)
    add_device(parser)
    parser.set_defaults(repeats=1)
    parser.add_argument("--method", default="souple")
    parser.add_argument("--size", choices=("published", "small", "mini"), default="published")
    parser.add_argument("--batches", type=int, nargs="+", default=[2, 4, 8])
    parser.add_argument("--sides", type=int, nargs="*", default=[176, 352, 528], help="of images, pixels")
    parser.add_argument("--processes", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--folder", type=Path, help="keep the random checkpoints here (1 GB)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        request = {
            "folder": str(arguments.folder or temporary),
            "scratch": temporary,
            **{key: getattr(arguments, key) for key in ("method", "size", "threads", "repeats", "device")},
        }
        device = run_job(JOBS, request | {"job": "write"})
        rows = [
            *by_batch(request, arguments),
            *by_side(request, arguments),
            *by_processes(request, arguments),
        ]
    report(
        f"One training step of {arguments.method}, {arguments.size} size, float32",
        ["Step", "Seconds", "Ratio", "Predicted", "Clips/s", "Peak GiB"],
        rows,
        caption=machine(arguments.threads, device),
        as_json=arguments.json,
    )


def by_batch(request: dict[str, Any], arguments: argparse.Namespace) -> list[list[object]]:
    """Return a row for each batch size."""
    figures = {
        f"batch {batch}": run_job(JOBS, request | {"job": "ours", "batch": batch}) | {"clips": batch}
        for batch in arguments.batches
    }
    return rows_of(figures)


def by_side(request: dict[str, Any], arguments: argparse.Namespace) -> list[list[object]]:
    """Return a row for each image size."""
    batch, sides = min(arguments.batches), [] if arguments.size == "mini" else arguments.sides
    job = request | {"job": "ours", "batch": batch}
    figures = {
        f"images {side} pixels wide": run_job(JOBS, job | {"settings": [f"backbone.image_size={side}"]})
        | {"clips": batch}
        for side in sides
    }
    return rows_of(figures)


def by_processes(request: dict[str, Any], arguments: argparse.Namespace) -> list[list[object]]:
    """Return a row for each number of processes."""
    batches = sorted(arguments.batches)
    batch = batches[len(batches) // 2]
    figures = {
        f"processes: {count}": run_ranks(count, request | {"batch": batch}) | {"clips": batch}
        for count in arguments.processes
    }
    return rows_of(figures)


def run_ranks(count: int, request: dict[str, Any]) -> dict[str, Any]:
    """Run a step under torchrun; the main rank answers."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}"]
    command = [*launcher, str(RANKS), json.dumps(request)]
    quiet = {"OMP_NUM_THREADS": str(request["threads"] // count or 1), "TORCH_CPP_LOG_LEVEL": "ERROR"}
    done = subprocess.run(command, env=os.environ | quiet, stdout=subprocess.PIPE, check=True, text=True)
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def rows_of(figures: dict[str, dict[str, Any]]) -> list[list[object]]:
    """Lay figures out by the name of the step, beside those of the first."""
    rows: list[list[object]] = []
    first = next(iter(figures.values()), {})
    for name, step in figures.items():
        taken, predicted = step["seconds"] / first["seconds"], step["multiply_adds"] / first["multiply_adds"]
        clips_per_second = step["clips"] / step["seconds"]
        rows.append([name, step["seconds"], taken, predicted, clips_per_second, step["peak_gib"]])
    return rows


if __name__ == "__main__":
    main()
