"""Line charts in SVG units."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avprompt.report.chart import line_chart, round_numbers


@pytest.mark.parametrize(
    ("low", "high", "numbers"),
    [
        (0, 100, [0, 20, 40, 60, 80, 100]),
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0.3, 2.9, [0.5, 1, 1.5, 2, 2.5]),
        (1, 300, [50, 100, 150, 200, 250, 300]),
        (7, 7, [7]),
    ],
)
def test_marks_are_numbers_that_people_count_in(low: float, high: float, numbers: list[float]) -> None:
    assert round_numbers(low, high) == pytest.approx(numbers)


@given(low=st.floats(-1e6, 1e6), width=st.floats(1e-3, 1e6))
def test_marks_lie_on_the_axis(low: float, width: float) -> None:
    numbers = round_numbers(low, low + width)
    assert 2 <= len(numbers) <= 8
    assert min(numbers) >= low - 1e-6 * width
    assert max(numbers) <= low + width * (1 + 1e-6)


def test_a_curve_runs_from_corner_to_corner() -> None:
    chart = line_chart("t", {"up": [(0, 0), (5, 50), (10, 100)]}, summary="", x_label="x")
    left, top, right, bottom = chart.frame
    corners = [tuple(map(float, corner.split(","))) for corner in chart.curves[0].points.split()]
    assert corners == [(left, bottom), ((left + right) / 2, (top + bottom) / 2), (right, top)]
    assert (chart.y_ticks[0].place, chart.y_ticks[-1].text) == (bottom, "100")


def test_what_leaves_the_axis_stays_on_the_paper() -> None:
    chart = line_chart("t", {"spike": [(0, 0), (1, 1e9)]}, summary="", y_range=(0, 100))
    assert chart.curves[0].points.endswith(f"{chart.frame[2]:g},{chart.frame[1]:g}")
