from __future__ import annotations

import numpy as np

from avprompt.metrics.threshold import binarise, median_cut, normalise, true_size_cut

RAMP = np.arange(6, dtype=np.float32).reshape(1, 2, 3) / 10


def test_normalise_spans_zero_to_one_per_map() -> None:
    maps = normalise(np.concatenate([RAMP, 10 * RAMP + 5]))
    assert maps.min(axis=(1, 2)).tolist() == [0, 0]
    assert maps.max(axis=(1, 2)).tolist() == [1, 1]


def test_normalise_turns_a_constant_map_to_zero() -> None:
    assert not normalise(np.full((1, 4, 4), 0.7)).any()


def test_median_cut_keeps_half_of_the_pixels() -> None:
    cut = median_cut(RAMP)
    assert cut.tolist() == [np.float32(0.3)]
    assert binarise(RAMP, cut).sum() == 3
    assert binarise(RAMP, cut, np.greater).sum() == 2


def test_ties_with_the_median_are_all_inside_or_all_outside() -> None:
    flat = np.full((1, 2, 2), 0.4)
    assert binarise(flat, median_cut(flat)).all()
    assert not binarise(flat, median_cut(flat), np.greater).any()


def test_each_map_has_its_own_cut() -> None:
    maps = np.concatenate([RAMP, RAMP + 0.4])
    assert binarise(maps, median_cut(maps)).sum(axis=(1, 2)).tolist() == [3, 3]


def test_true_size_cut_marks_as_many_pixels_as_the_truth_has() -> None:
    truth = np.zeros((2, 2, 3))
    truth[0, 0, :2] = 0.5
    cuts = true_size_cut(np.concatenate([RAMP, RAMP]), truth)
    assert cuts.tolist() == [np.float32(0.4), np.float32(0.3)], "an empty truth takes the median"


def test_binarise_compares_in_float32() -> None:
    assert binarise(np.array([[[np.float32(0.1)]]]), 0.1).all()
