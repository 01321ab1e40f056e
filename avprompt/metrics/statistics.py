"""How sure a score is: bootstrap intervals of a mean over samples, and of a difference of two.

cIoU, AUC and mean IoU are all means of a per-sample number (`auc` of one sample is that number for
AUC), so resampling the samples gives their intervals. Scores that are no means, such as an average
precision, are computed anew for each draw. Efron and Tibshirani, "An Introduction to the Bootstrap", 1993.
Every function is deterministic by its seed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

_CHUNK = 100


def counted(values: np.ndarray) -> np.ndarray:
    """Return the values (N,) of the samples that count, without the NaN of those that do not."""
    return np.asarray(values[~np.isnan(values)])


@dataclass(frozen=True)
class Interval:
    """An estimate with the bounds between which it lies at the level asked for."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference(Interval):
    """A difference of two means; `p` is the two-sided chance of one this far from zero by luck."""

    p: float


def bootstrap(values: np.ndarray, *, level: float = 0.95, draws: int = 2000, seed: int = 0) -> Interval:
    """Return the mean of per-sample values (N,) with its percentile interval."""
    means = _resampled_means(np.asarray(values, dtype=np.float64), draws, seed)
    return Interval(float(np.mean(values)), *_bounds(means, level))


def bootstrap_score(
    score: Callable[[np.ndarray], float], count: int, *, level: float = 0.95, draws: int = 200, seed: int = 0
) -> Interval | None:
    """Return a score of samples with its percentile interval, scored anew for each draw.

    Args:
        score: of the samples at places (count,), some of them drawn twice and some not at all.
        count: of the samples.
        level: share of the resampled scores that the interval holds.
        draws: how often the samples are drawn anew; each costs one scoring.
        seed: of the draws.

    Returns:
        None where a draw has no finite score, as when it holds no sample that sounds.
    """
    generator = np.random.default_rng(seed)
    scores = np.array([score(generator.integers(count, size=count)) for _ in range(draws)], dtype=np.float64)
    if not np.isfinite(scores).all():
        return None
    return Interval(float(score(np.arange(count))), *_bounds(scores, level))


def paired_bootstrap(
    first: np.ndarray, second: np.ndarray, *, level: float = 0.95, draws: int = 2000, seed: int = 0
) -> Difference:
    """Return how much larger the mean of `second` is than that of `first`, sample by sample.

    Args:
        first: (N,) values of one method.
        second: (N,) values of another on the same samples in the same order.
        level: share of the resampled differences that the interval holds.
        draws: how often the samples are drawn anew.
        seed: of the draws.

    Raises:
        ValueError: the two do not have the same number of samples.
    """
    first, second = (np.asarray(values, dtype=np.float64) for values in (first, second))
    if first.shape != second.shape:
        raise ValueError(f"a paired test needs the same samples, got {len(first)} and {len(second)}")
    change = second - first
    return _difference(change, _resampled_means(change, draws, seed), level)


def paired_bootstrap_of_runs(
    first: np.ndarray, second: np.ndarray, *, level: float = 0.95, draws: int = 2000, seed: int = 0
) -> Difference:
    """Return how much larger the mean of `second` is than that of `first`, over runs and samples.

    Runs are drawn anew, in pairs, and then samples: the same ones for all runs of a draw, for all were scored
    on the same (the pigeonhole bootstrap; Owen, Annals of Applied Statistics 1(2), 2007). A few runs say
    little of how much runs scatter: with three the interval is rather too narrow.

    Args:
        first: (S, N) values of S runs on N samples.
        second: (S, N) values of as many other runs, each paired with the one in its row, as by its seed.
        level: share of the resampled differences that the interval holds.
        draws: how often runs and samples are drawn anew.
        seed: of the draws; arrays of one shape are drawn from alike.

    Raises:
        ValueError: the two do not have the same runs and samples, or none.
    """
    first, second = (np.asarray(values, dtype=np.float64) for values in (first, second))
    if first.shape != second.shape or first.ndim != 2:
        raise ValueError(
            f"a paired test needs the same runs and samples, got {first.shape} and {second.shape}"
        )
    change = second - first
    if change.size == 0:
        raise ValueError("cannot resample without runs and samples")
    generator = np.random.default_rng(seed)
    means = np.empty(draws)
    for draw in range(draws):
        runs, samples = (generator.integers(count, size=count) for count in change.shape)
        means[draw] = change[runs].mean(0)[samples].mean()
    return _difference(change, means, level)


def _difference(change: np.ndarray, means: np.ndarray, level: float) -> Difference:
    """Return the mean of a change with what its resampled means say of it."""
    tail = min(np.count_nonzero(means <= 0), np.count_nonzero(means >= 0))
    p = min(1.0, 2 * (tail + 1) / (len(means) + 1))
    return Difference(float(np.mean(change)), *_bounds(means, level), p)


def _resampled_means(values: np.ndarray, draws: int, seed: int) -> np.ndarray:
    """Return the means (draws,) of as many samples drawn with replacement."""
    if len(values) == 0:
        raise ValueError("cannot resample without samples")
    generator = np.random.default_rng(seed)
    sizes = [min(_CHUNK, draws - start) for start in range(0, draws, _CHUNK)]
    picks = (generator.integers(len(values), size=(size, len(values))) for size in sizes)
    return np.concatenate([values[pick].mean(axis=1) for pick in picks])


def _bounds(means: np.ndarray, level: float) -> tuple[float, float]:
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
