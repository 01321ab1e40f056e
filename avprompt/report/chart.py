"""Line charts as numbers in an SVG's own units; the template draws them, in the colours of the page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Points = Sequence[tuple[float, float]]
"""The corners of a line, x rising."""


@dataclass(frozen=True)
class Tick:
    """A mark on an axis: where it stands, SVG units, and its text."""

    place: float
    text: str


@dataclass(frozen=True)
class Curve:
    """A line of a chart: its name, and its corners as SVG's `points`."""

    name: str
    points: str


@dataclass(frozen=True)
class Chart:
    """A chart with its axes.

    Attributes:
        title: what it shows.
        summary: the same for who cannot see it.
        x_label: of the axis below.
        width: of the whole, SVG units; likewise `height`.
        frame: left, top, right and bottom of the area of the curves.
        curves: in the order of their colours.
        x_ticks: marks below.
        y_ticks: marks at the left.
    """

    title: str
    summary: str
    x_label: str
    width: int
    height: int
    frame: tuple[float, float, float, float]
    curves: tuple[Curve, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]


def line_chart(
    title: str,
    curves: Mapping[str, Points],
    *,
    summary: str,
    x_label: str = "",
    y_range: tuple[float, float] | None = None,
    size: tuple[int, int] = (640, 340),
    ticks: int = 6,
) -> Chart:
    """Lay out a chart.

    Args:
        title: what it shows.
        curves: at least one point each, by name.
        summary: the same for who cannot see it.
        x_label: of the axis below, if it has one.
        y_range: of the axis at the left; that of the points unless given.
        size: width and height.
        ticks: about how many marks an axis has.
    """
    xs, ys = zip(*(point for points in curves.values() for point in points), strict=True)
    x_low, x_high = min(xs), max(xs)
    y_low, y_high = y_range or (min(ys), max(ys))
    width, height = size
    left, top, right, bottom = frame = (52.0, 12.0, width - 16.0, height - (42.0 if x_label else 26.0))

    def x_place(x: float) -> float:
        return round(left + (right - left) * _share(x, x_low, x_high), 1)

    def y_place(y: float) -> float:
        return round(bottom - (bottom - top) * _share(y, y_low, y_high), 1)

    return Chart(
        title,
        summary,
        x_label,
        width,
        height,
        frame,
        tuple(
            Curve(name, " ".join(f"{x_place(x):g},{y_place(y):g}" for x, y in points))
            for name, points in curves.items()
        ),
        tuple(Tick(x_place(x), f"{x:.6g}") for x in round_numbers(x_low, x_high, ticks)),
        tuple(Tick(y_place(y), f"{y:.6g}") for y in round_numbers(y_low, y_high, ticks)),
    )


def round_numbers(low: float, high: float, about: int = 6) -> list[float]:
    """Return numbers from `low` to `high` that people count in: steps of 1, 2 or 5 times a power of ten."""
    if not high > low:
        return [low]
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(place * step, 12) for place in range(first, last + 1)]


def _share(value: float, low: float, high: float) -> float:
    return 0.5 if high <= low else (min(max(value, low), high) - low) / (high - low)
