"""The shipped schedules, against factors worked out by hand."""

from __future__ import annotations

import pytest

from avprompt.plugin import Options
from avprompt_training.schedules import Constant, Cosine


def test_cosine_falls_from_one_towards_zero() -> None:
    cosine = Cosine(Options())
    assert [cosine(step, 4) for step in range(5)] == pytest.approx(
        [1, 0.5 + 0.5**1.5, 0.5, 0.5 - 0.5**1.5, 0]
    )
    assert cosine(0, 1) == 1


def test_constant_stays() -> None:
    constant = Constant(Options())
    assert {constant(step, 7) for step in range(7)} == {1.0}
