"""Run directories of the tiny world, and what is in them."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from avprompt.runs.results import RunResult

TINY = ("--dataset", "tiny", "--steps", 3, "--batch-size", 4)


def run_result(**fields: Any) -> RunResult:
    """A result without scores, but for what is told."""
    tables = ("versions", "samples", "scores", "floors", "ceilings", "audio_reliance")
    run = {"method": "m", "dataset": "toy", "encoders": "mini", "seed": 0, "trainable_parameters": 7}
    return RunResult(**run | {name: {} for name in tables} | fields)


def results(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "results.json").read_text())


def numbers(folder: Path) -> dict[str, Any]:
    """The results without what the clock says."""
    return {key: value for key, value in results(folder).items() if key != "seconds"}


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as opened:
        return list(csv.DictReader(opened))


def row(output: str, name: str) -> list[str]:
    """The cells of the table's row that begins with `name`."""
    lines = output.replace("┃", "│").splitlines()
    (line,) = [line for line in lines if line.strip("│ ").startswith(name)]
    return [cell.strip() for cell in line.strip("│").split("│")]
