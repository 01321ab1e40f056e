from __future__ import annotations

import numpy as np
import pytest

from avprompt.metrics.statistics import bootstrap, bootstrap_score, counted, paired_bootstrap


def test_interval_of_a_proportion_is_near_the_normal_one() -> None:
    values = np.array([1.0] * 200 + [0.0] * 50)
    interval = bootstrap(values)
    assert interval.estimate == 0.8
    assert interval.low == pytest.approx(0.8 - 1.96 * np.sqrt(0.16 / 250), abs=0.006)
    assert interval.high == pytest.approx(0.8 + 1.96 * np.sqrt(0.16 / 250), abs=0.006)


def test_same_seed_same_interval() -> None:
    values = np.random.default_rng(1).random(30)
    assert bootstrap(values, seed=3) == bootstrap(values, seed=3)
    assert bootstrap(values, seed=3) != bootstrap(values, seed=4)


def test_constant_values_have_no_spread() -> None:
    interval = bootstrap(np.ones(5), draws=50)
    assert (interval.low, interval.high) == (1, 1)


def test_a_mean_that_is_scored_anew_has_the_interval_of_a_mean() -> None:
    values = np.random.default_rng(1).random(200)
    anew = bootstrap_score(lambda rows: float(values[rows].mean()), len(values), draws=1000)
    plain = bootstrap(values)
    assert anew is not None
    assert anew.estimate == pytest.approx(plain.estimate)
    assert (anew.low, anew.high) == pytest.approx((plain.low, plain.high), abs=0.005)


def test_a_draw_without_a_score_leaves_no_interval() -> None:
    values = np.array([1.0, np.nan])
    assert bootstrap_score(lambda rows: float(values[rows].max()), 2) is None


def test_samples_that_do_not_count_are_left_out() -> None:
    assert counted(np.array([0.5, np.nan, 0])).tolist() == [0.5, 0]
    assert counted(np.array([True, False])).tolist() == [True, False]


def test_pairing_finds_a_small_but_steady_difference() -> None:
    first = np.random.default_rng(0).random(100)
    difference = paired_bootstrap(first, first + 0.01)
    assert difference.estimate == pytest.approx(0.01)
    assert difference.low > 0
    assert difference.p < 0.01


def test_no_difference_is_not_significant() -> None:
    values = np.random.default_rng(0).random(40)
    difference = paired_bootstrap(values, values)
    assert difference.estimate == 0
    assert difference.p == 1


def test_pairs_need_the_same_samples() -> None:
    with pytest.raises(ValueError, match="same samples"):
        paired_bootstrap(np.ones(3), np.ones(4))


def test_nothing_cannot_be_resampled() -> None:
    with pytest.raises(ValueError, match="without samples"):
        bootstrap(np.ones(0))
