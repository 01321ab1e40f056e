"""The training step against the published schedule: seconds, memory, and the least that it could take.

Ours, ours with cached audio features, and `published_schedule.py` make forward and backward pass on the same
weights, clips and noise, each in a process of its own. The script stops unless each loss agrees to 1e-4
(absolute, or relative above 1) and the gradient to 5e-2 of its length, for rounding takes some pixels across
the step of a hard mask; in float64, at the smallest batch, the gradient of every trained parameter agrees to
1e-4 of its own. The optimiser's step is left out: it is the same for all. Predicted ratios count
multiply-adds; the floor divides those of our step by the rate that this machine reaches in the vision tower's
matrix products, measured after each variant: the best of the three.

    python benchmarks/speed/train_step.py [--method souple] [--size published] [--batches 2 4 8 16]
        [--threads 2] [--repeats 3] [--device auto] [--folder DIR] [--profile] [--json]

With `--profile`: where the time of our step goes, by operator, at the largest batch.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from measuring import add_device, machine, options, report, run_job, tell

VARIANTS = ("ours", "cached", "published")
JOBS = "train_step_jobs.py"


def main() -> None:
    """Run every variant at every batch size."""
    arguments = parse()
    with tempfile.TemporaryDirectory() as temporary:
        request = {
            "folder": str(arguments.folder or temporary),
            "scratch": temporary,
            **{key: getattr(arguments, key) for key in ("method", "size", "threads", "repeats", "device")},
        }
        device = run_job(JOBS, request | {"job": "write"})
        if arguments.profile:
            profile(arguments, run_job(JOBS, request | {"job": "profile", "batch": max(arguments.batches)}))
            return
        exact = run_job(JOBS, request | {"job": "exact", "batch": min(arguments.batches)})
        figures = [measure(request | {"batch": batch}) for batch in arguments.batches]
    show(arguments, device, figures, exact)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = options(__doc__)
    add_device(parser)
    parser.add_argument("--method", default="souple")
    parser.add_argument("--size", choices=("published", "small", "mini"), default="published")
    parser.add_argument("--batches", type=int, nargs="+", default=[2, 4, 8, 16])
    parser.add_argument("--folder", type=Path, help="keep the random checkpoints here (1 GB)")
    parser.add_argument("--profile", action="store_true", help="show where our step's time goes instead")
    return parser.parse_args()


def measure(request: dict[str, Any]) -> dict[str, Any]:
    """Measure one batch size: all variants, their ratios, and the floor."""
    variants = {}
    for name in VARIANTS:
        variants[name] = run_job(JOBS, request | {"job": name})
        tell(f"batch {request['batch']}, {name}: {variants[name]['seconds']:.2f} s")
    ours, cached, published = (variants[name] for name in VARIANTS)
    rate = max(variant["rate"] for variant in variants.values())
    floor = ours["multiply_adds"] / rate
    return {
        "batch": request["batch"],
        **{f"{name}_seconds": variants[name]["seconds"] for name in VARIANTS},
        "ratio": published["seconds"] / ours["seconds"],
        "predicted_ratio": published["multiply_adds"] / ours["multiply_adds"],
        "cached_ratio": published["seconds"] / cached["seconds"],
        "predicted_cached_ratio": published["multiply_adds"] / cached["multiply_adds"],
        **{f"{name}_peak_gib": variants[name]["peak_gib"] for name in VARIANTS},
        "tera_multiply_adds": ours["multiply_adds"] / 1e12,
        "tera_multiply_adds_per_second": rate / 1e12,
        "floor_seconds": floor,
        "ours_over_floor": ours["seconds"] / floor,
        "loss_difference": published["loss_difference"],
        "gradient_difference": published["gradient_difference"],
    }


ROWS = {
    "ours, s": "ours_seconds",
    "ours, audio cached, s": "cached_seconds",
    "published schedule, s": "published_seconds",
    "published / ours": "ratio",
    "  predicted by multiply-adds": "predicted_ratio",
    "published / ours, audio cached": "cached_ratio",
    "  predicted by multiply-adds ": "predicted_cached_ratio",
    "peak memory, GiB: ours": "ours_peak_gib",
    "  ours, audio cached": "cached_peak_gib",
    "  published schedule": "published_peak_gib",
    "multiply-adds of ours, 1e12": "tera_multiply_adds",
    "floor, s": "floor_seconds",
    "ours / floor": "ours_over_floor",
    "largest difference of a loss": "loss_difference",
    "difference of the gradient": "gradient_difference",
}


def show(
    arguments: argparse.Namespace, device: str, figures: list[dict[str, Any]], exact: dict[str, float]
) -> None:
    """Print the table: a column for each batch size."""
    rows = [[name, *(batch[key] for batch in figures)] for name, key in ROWS.items()]
    caption = (
        f"{machine(arguments.threads, device)}\nIn float64, batch {min(arguments.batches)}: the gradient of "
        f"every parameter agrees to {exact['each_difference']:.0e} of its length."
    )
    report(
        f"One training step of {arguments.method}, {arguments.size} size, float32",
        ["Batch", *(str(batch["batch"]) for batch in figures)],
        rows,
        caption=caption,
        as_json=arguments.json,
        figures=figures,
    )


def profile(arguments: argparse.Namespace, recorded: dict[str, Any]) -> None:
    """Print the operators of our step, the slowest first."""
    report(
        f"Operators of a step of {arguments.method}, {arguments.size} size, batch {max(arguments.batches)}",
        ["Operator", "Calls", "Seconds", "Share, %"],
        [[row[key] for key in ("operator", "calls", "seconds", "share")] for row in recorded["operators"]],
        caption=machine(arguments.threads, recorded["device"]),
        as_json=arguments.json,
        figures=recorded["operators"],
    )


if __name__ == "__main__":
    main()
