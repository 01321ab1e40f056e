"""The check of a protocol, on a few random heatmaps."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from avprompt.metrics.iou import TruthMasks
from avprompt.metrics.protocol import IoUProtocol, Protocol
from avprompt.metrics.scored_maps import ScoredMaps
from avprompt.metrics.statistics import counted
from avprompt.records import GroundTruth
from avprompt.testing.assertions import checks

SAMPLES = 4
# What the evaluator adds where a protocol `needs` it.
COLUMNS = {
    "label": np.array(["dog", "dog", "cat", "cat"]),
    "sounding": np.array([True, True, True, False]),
    "group": np.array(["a", "a", "b", "b"]),
    "scenario": np.array(["x", "x", "x", "off-screen"]),
}


@checks("protocols")
def check_protocol(protocol: Protocol, extra: Mapping[str, np.ndarray] | None = None) -> None:
    """Check that samples are measured each by itself, and that scores, means and floors are of one metric.

    Args:
        protocol: to check.
        extra: what it needs of `Sample.extra`, by name, the values of four samples each.
    """
    for text in ("name", "summary", "headline"):
        assert getattr(protocol, text), f"a protocol must state its {text}"
    maps = _random_maps(0)
    measured = _measure(protocol, maps)
    for index in range(SAMPLES):
        alone = _measure(protocol, _one(maps, index))
        for name, values in measured.items():
            same = np.array_equal(values[index], alone[name][0], equal_nan=values.dtype.kind == "f")
            assert same, f"'{name}' of a sample must not depend on the other samples of its batch"
    test = {**measured, "id": np.array([f"clip_{index}" for index in range(SAMPLES)])}
    columns = COLUMNS | dict(extra or {})
    unknown = ", ".join(sorted(set(protocol.needs) - columns.keys()))
    assert not unknown, (
        f"needs may name {', '.join(columns)}, or keys of Sample.extra: give check_protocol the values of "
        f"{SAMPLES} samples as extra={{...}} for {unknown}"
    )
    columns = {name: columns[name] for name in protocol.needs} | {"id": test["id"]}
    test |= columns
    for seed, condition in enumerate(protocol.conditions, start=1):
        altered = _measure(protocol, _random_maps(seed))
        test |= {f"{condition}/{name}": values for name, values in altered.items()}
    choice = protocol.choose(test, None)
    _check_per_sample(protocol, test, choice, _checked_scores(protocol, test, choice))
    _check_bounds(protocol, columns)


def _checked_scores(protocol: Protocol, test: dict[str, np.ndarray], choice: Any) -> dict[str, Any]:
    """Return the scores, with the headline in percent and all of it ready for JSON."""
    scores: Any = protocol.summarise(test, choice)
    assert isinstance(scores, dict), f"summarise must return scores by name, not {type(scores).__name__}"
    headline = scores.get(protocol.headline)
    assert isinstance(headline, int | float), (
        f"summarise must return the headline '{protocol.headline}' as a number, not {headline!r}"
    )
    assert 0 <= headline <= 100, f"the headline '{protocol.headline}' is in percent, not {headline}"
    try:
        json.dumps(scores)
    except TypeError as error:
        raise AssertionError(f"summarise must return what JSON holds, such as float: {error}") from error
    return scores


def _check_per_sample(
    protocol: Protocol, test: dict[str, np.ndarray], choice: Any, scores: Mapping[str, Any]
) -> None:
    """Check that means over samples are the scores of the same name."""
    rows: Any = protocol.per_sample(test, choice)
    assert isinstance(rows, dict), f"per_sample must return arrays by name, not {type(rows).__name__}"
    for name, values in rows.items():
        _check_rows("per_sample", f"'{name}'", values)
        shown = counted(values)
        if len(shown) and isinstance(scores.get(name), int | float):
            mean = 100 * float(np.mean(shown))
            assert np.isclose(mean, scores[name]), (
                f"per_sample: the mean of '{name}' is {mean:g} percent, but summarise says {scores[name]:g}. "
                "A score that is no mean over samples must not be in per_sample"
            )
    if isinstance(protocol, IoUProtocol):
        iou = protocol.sample_iou(test, choice)
        _check_rows("sample_iou", "what it returns", iou)
        assert ((counted(iou) >= 0) & (counted(iou) <= 1)).all(), "sample_iou lies in 0..1"


def _check_rows(method: str, what: str, values: Any) -> None:
    assert isinstance(values, np.ndarray), f"{method}: {what} must be an array, not {type(values).__name__}"
    assert values.shape == (SAMPLES,), f"{method}: {what} must be (N,) = ({SAMPLES},), not {values.shape}"


def _check_bounds(protocol: Protocol, columns: dict[str, np.ndarray]) -> None:
    """Check that floors and ceilings are in the metric that they stand beside."""
    truths = [GroundTruth(mask) for mask in _random_maps(0).truths.values]
    for kind, bounds in (("floors", protocol.floors), ("ceilings", protocol.ceilings)):
        tables: Any = bounds(truths, columns)
        assert isinstance(tables, dict), f"{kind} must return scores by guess, not {type(tables).__name__}"
        for name, scores in tables.items():
            held = isinstance(scores, dict) and isinstance(scores.get(protocol.headline), int | float)
            assert held, f"{kind}: '{name}' must hold the headline '{protocol.headline}', not {scores!r}"
            percent = scores[protocol.headline]
            assert 0 <= percent <= 100, f"{kind}: '{name}' is in percent, not {percent}"


def _measure(protocol: Protocol, maps: ScoredMaps) -> dict[str, np.ndarray]:
    batch = len(maps.heatmaps)
    measured: Any = protocol.measure(maps)
    assert isinstance(measured, dict), f"measure must return arrays by name, not {type(measured).__name__}"
    for name, values in measured.items():
        assert isinstance(values, np.ndarray), f"measure: '{name}' must be an array, not {values!r}"
        assert len(values) == batch, f"measure: '{name}' must have the first axis B = {batch}"
    return measured


def _random_maps(seed: int) -> ScoredMaps:
    draw = np.random.default_rng(seed)
    truths = np.zeros((SAMPLES, 8, 8), dtype=np.float32)
    truths[:-1, 2:5, 2:6] = 1  # the last sample is silent
    heatmaps = draw.random((SAMPLES, 8, 8), dtype=np.float32)
    parts = [np.zeros((0, 8, 8), dtype=bool)] * SAMPLES
    parts[0] = np.stack([truths[0] > 0] * 2)
    parts[0][0, :, 4:] = parts[0][1, :, :4] = False  # two sources side by side
    return ScoredMaps(heatmaps, TruthMasks(truths, parts), draw.random(SAMPLES))


def _one(maps: ScoredMaps, index: int) -> ScoredMaps:
    rows = slice(index, index + 1)
    truths = TruthMasks(maps.truths.values[rows], maps.truths.parts[rows])
    return ScoredMaps(maps.heatmaps[rows], truths, maps.confidence[rows])
