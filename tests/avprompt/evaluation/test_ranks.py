"""Evaluation by two processes: the numbers of one, on both of them."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from avprompt.evaluation.contexts import CONDITIONS
from avprompt.evaluation.measure import MeasuredSamples
from tinyworld.ranked import Outcome, evaluate_cases, on_ranks


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcome, Path]:
    folder = tmp_path_factory.mktemp("alone")
    return evaluate_cases(folder), folder


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Outcome], Path]:
    folder = tmp_path_factory.mktemp("pair")
    return on_ranks(2, folder), folder


Alone, Pair = tuple[Outcome, Path], tuple[list[Outcome], Path]


def assert_same(one: object, other: object) -> None:
    """Compare bit for bit, whatever is in there."""
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert list(one) == list(other)
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, np.ndarray):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for pair in zip(one, other, strict=True):
            assert_same(*pair)
    elif hasattr(one, "__dataclass_fields__"):
        for field in fields(one):
            assert_same(getattr(one, field.name), getattr(other, field.name))
    else:
        assert one == other


@pytest.mark.parametrize("case", ["batches", "broken", "nameless", "named_again", "one_batch"])
def test_every_rank_has_measured_what_one_process_does(alone: Alone, pair: Pair, case: str) -> None:
    expected: MeasuredSamples = getattr(alone[0], case)
    for outcome in pair[0]:
        assert_same(getattr(outcome, case), expected)


def test_the_cases_hold_what_could_differ(alone: Alone) -> None:
    outcome = alone[0]
    conditions = {condition for condition, _ in outcome.batches.values}
    assert {
        "shuffled",
        "silent",
        "noise",
        "off-screen",
        "distractor/on-distractor",
        "text-prompt",
        *CONDITIONS,
    } < conditions
    assert set(CONDITIONS) < {condition for condition, _ in outcome.broken.values}
    assert len(outcome.batches.shown) == 4
    assert [missing.id for missing in outcome.broken.missing.values()] == ["test-1", "test-3"]
    assert "text-prompt" not in {condition for condition, _ in outcome.nameless.values}
    assert "text-prompt" in {condition for condition, _ in outcome.named_again.values}


def test_what_stops_one_rank_stops_all(alone: Alone, pair: Pair) -> None:
    assert "Stopped at sample 'test-2' (--strict)" in alone[0].strict
    assert [outcome.strict for outcome in pair[0]] == [alone[0].strict] * 2


def test_the_main_rank_counts_the_images_of_all(alone: Alone, pair: Pair) -> None:
    assert alone[0].progress == [2, 2, 2]
    assert [outcome.progress for outcome in pair[0]] == [[4, 2], []]


def test_ranks_write_the_same_dump(alone: Alone, pair: Pair) -> None:
    one, other = (sorted((folder / "predictions").iterdir()) for _, folder in (alone, pair))
    assert [path.name for path in one] == [path.name for path in other] == [f"{k:06d}.npz" for k in range(3)]
    for paths in zip(one, other, strict=True):
        assert_same(*(dict(np.load(path)) for path in paths))
