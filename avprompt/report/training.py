"""How a run was trained, as small charts: each loss, the gradient norm, the learning rate, validation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from avprompt.report.chart import Chart, Points, line_chart
from avprompt.runs.result_table import spoken
from avprompt.training.state import read_log

MOST = 120
"""Points of a curve; longer logs are averaged in blocks of steps."""

SIZE = (310, 190)


def training_charts(folder: Path) -> tuple[Chart, ...]:
    """Return a chart for each number in a run's log; none where nothing was trained."""
    curves: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for line in read_log(folder):
        for name, value in _numbers(line).items():
            curves[name].append((line["step"] + 1, value))
    return tuple(_chart(name, points) for name, points in curves.items() if len(points) > 1)


def _numbers(line: dict[str, Any]) -> dict[str, float]:
    """Return what a line of the log says, by name; steps that were left out say nothing."""
    if line["left_out"]:
        return {}
    losses = {f"loss: {name}": value for name, value in line.get("losses", {}).items()}
    total = {name: losses.pop(name) for name in ("loss: total",) if name in losses}
    validation = {
        f"validation: {spoken(name)}": value
        for name, value in line.get("validation", {}).items()
        if isinstance(value, float) and name != "threshold"
    }
    others = {spoken(name): line[name] for name in ("gradient_norm", "learning_rate") if name in line}
    return total | losses | others | validation


def _chart(name: str, points: Points) -> Chart:
    size = -(-len(points) // MOST)
    averaged = _averaged(points, size)
    (_, first), (step, last) = averaged[0], averaged[-1]
    title = f"{name}, mean of {size} steps" if size > 1 else name
    summary = f"{name} over {step:,.0f} steps: from {first:.3g} to {last:.3g}."
    values = [value for _, value in averaged]
    y_range = min(0.0, *values), max(0.0, *values)
    return line_chart(title, {name: averaged}, summary=summary, y_range=y_range, size=SIZE, ticks=3)


def _averaged(points: Points, size: int) -> Points:
    """Average so many neighbours at a time; the mean stands at the last step of its block."""
    blocks: Sequence[Points] = [points[start : start + size] for start in range(0, len(points), size)]
    return [(block[-1][0], mean(value for _, value in block)) for block in blocks]
