"""Scores of the validation split that callbacks can go by, or an error that says why not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from avprompt.errors import EvaluationError
from avprompt.metrics.protocol import Protocol
from avprompt.metrics.scored_maps import ScoredMaps
from avprompt.runs.validation import check_headline


class Hits(Protocol):
    name, summary, headline = "hits", "share of hits", "hit"

    def measure(self, maps: ScoredMaps) -> dict[str, np.ndarray]:
        return {}


@pytest.mark.parametrize("scores", [{}, {"hit": float("nan")}, {"hit": None}, {"hit": np.float32("inf")}])
def test_a_headline_is_a_finite_number(scores: dict[str, Any]) -> None:
    with pytest.raises(EvaluationError, match=r"protocol 'hits' gives the split 'dev' no finite hit"):
        check_headline(Hits(), scores, "dev")


@pytest.mark.parametrize("score", [50, 50.5, np.float32(1)])
def test_numbers_pass(score: Any) -> None:
    check_headline(Hits(), {"hit": score}, "dev")
