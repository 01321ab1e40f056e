from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from avprompt.metrics.threshold import at_rank, binarise, median_threshold, normalise, true_size_threshold

RAMP = np.arange(6, dtype=np.float32).reshape(1, 2, 3) / 10


def test_normalise_spans_zero_to_one_per_map() -> None:
    maps = normalise(np.concatenate([RAMP, 10 * RAMP + 5]))
    assert maps.min(axis=(1, 2)).tolist() == [0, 0]
    assert maps.max(axis=(1, 2)).tolist() == [1, 1]


def test_normalise_turns_a_constant_map_to_zero() -> None:
    assert not normalise(np.full((1, 4, 4), 0.7)).any()


def test_median_threshold_keeps_half_of_the_pixels() -> None:
    threshold = median_threshold(RAMP)
    assert threshold.tolist() == [np.float32(0.3)]
    assert binarise(RAMP, threshold).sum() == 3
    assert binarise(RAMP, threshold, np.greater).sum() == 2


def test_ties_with_the_median_are_all_inside_or_all_outside() -> None:
    flat = np.full((1, 2, 2), 0.4)
    assert binarise(flat, median_threshold(flat)).all()
    assert not binarise(flat, median_threshold(flat), np.greater).any()


def test_each_map_has_its_own_threshold() -> None:
    maps = np.concatenate([RAMP, RAMP + 0.4])
    assert binarise(maps, median_threshold(maps)).sum(axis=(1, 2)).tolist() == [3, 3]


def test_true_size_threshold_marks_as_many_pixels_as_the_truth_has() -> None:
    truth = np.zeros((2, 2, 3))
    truth[0, 0, :2] = 0.5
    thresholds = true_size_threshold(np.concatenate([RAMP, RAMP]), truth)
    assert thresholds.tolist() == [np.float32(0.4), np.float32(0.3)], "an empty truth takes the median"


def test_binarise_compares_in_float32() -> None:
    assert binarise(np.array([[[np.float32(0.1)]]]), 0.1).all()


@given(
    values=arrays(np.float32, st.integers(1, 3000), elements=st.sampled_from([0, 0.25, 0.5, 1])),
    at=st.floats(0, 0.999),
)
def test_a_rank_is_found_as_by_sorting(values: np.ndarray, at: float) -> None:
    rank = int(at * len(values))
    assert at_rank(values, rank) == np.sort(values)[rank]


@pytest.mark.parametrize("order", [1, -1])
def test_a_rank_is_found_in_any_order(order: int) -> None:
    values = np.random.default_rng(0).random(50_000, dtype=np.float32)
    values[::100] = order * 2  # what the few see is not like the rest
    ranked = np.sort(values)
    assert all(at_rank(values, rank) == ranked[rank] for rank in (0, 1, 499, 25_000, 49_499, 49_999))
