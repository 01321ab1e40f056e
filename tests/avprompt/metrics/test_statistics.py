from __future__ import annotations

import numpy as np
import pytest

from avprompt.metrics.statistics import (
    bootstrap,
    bootstrap_score,
    counted,
    paired_bootstrap,
    paired_bootstrap_of_runs,
)


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


class TestOfRuns:
    def test_the_difference_is_the_mean_of_all(self) -> None:
        first = np.array([[0, 0, 1, 1], [0, 1, 1, 1.0]])
        second = np.array([[1, 0, 1, 1], [1, 1, 1, 1.0]])
        assert paired_bootstrap_of_runs(first, second, draws=10).estimate == 2 / 8

    def test_of_two_runs_that_differ_the_draws_are_those_of_two_coins(self) -> None:
        """Every sample of run 1 changes by 0 and of run 2 by 1: means are 0, 1/2, 1 with odds 1 : 2 : 1."""
        change = np.array([[0.0] * 5, [1.0] * 5])
        difference = paired_bootstrap_of_runs(np.zeros((2, 5)), change, level=0.4)
        assert (difference.estimate, difference.low, difference.high) == (0.5, 0.5, 0.5)
        difference = paired_bootstrap_of_runs(np.zeros((2, 5)), change, level=0.6)
        assert (difference.low, difference.high) == (0, 1)
        assert difference.p == pytest.approx(2 / 4, abs=0.05)

    def test_of_one_run_is_that_of_its_samples(self) -> None:
        first, second = np.random.default_rng(0).random((2, 80))
        of_runs = paired_bootstrap_of_runs(first[None], second[None])
        plain = paired_bootstrap(first, second)
        assert of_runs.estimate == pytest.approx(plain.estimate)
        assert (of_runs.low, of_runs.high) == pytest.approx((plain.low, plain.high), abs=0.02)

    def test_more_runs_that_say_the_same_make_samples_no_surer(self) -> None:
        first, second = np.random.default_rng(0).random((2, 80))
        one = paired_bootstrap_of_runs(first[None], second[None])
        nine = paired_bootstrap_of_runs(np.tile(first, (9, 1)), np.tile(second, (9, 1)))
        assert nine.high - nine.low == pytest.approx(one.high - one.low, rel=0.1)

    def test_what_all_runs_gain_is_sure_though_runs_scatter(self) -> None:
        draw = np.random.default_rng(0)
        first = draw.random((3, 1)) + draw.random((3, 50))
        difference = paired_bootstrap_of_runs(first, first + 0.1)
        assert (difference.low, difference.high) == pytest.approx((0.1, 0.1))

    @pytest.mark.parametrize("shapes", [((2, 3), (3, 3)), ((2, 3), (2, 4)), ((3,), (3,))])
    def test_needs_the_same_runs_and_samples(self, shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
        with pytest.raises(ValueError, match="same runs and samples"):
            paired_bootstrap_of_runs(np.ones(shapes[0]), np.ones(shapes[1]))

    def test_needs_some(self) -> None:
        with pytest.raises(ValueError, match="without runs"):
            paired_bootstrap_of_runs(np.ones((0, 4)), np.ones((0, 4)))
