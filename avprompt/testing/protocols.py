"""The check of a protocol, on a few random heatmaps."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from avprompt.metrics.iou import TruthMasks
from avprompt.metrics.protocol import Protocol
from avprompt.metrics.scored_maps import ScoredMaps
from avprompt.testing.assertions import checks

SAMPLES = 4
# What the evaluator adds where a protocol `needs` it.
COLUMNS = {
    "sounding": np.array([True, True, True, False]),
    "group": np.array(["a", "a", "b", "b"]),
    "scenario": np.array(["x", "x", "x", "off-screen"]),
}


@checks("protocols")
def check_protocol(protocol: Protocol) -> None:
    """Check that samples are measured each by itself, and that scores hold the headline in percent."""
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
    unknown = set(protocol.needs) - COLUMNS.keys()
    assert not unknown, f"needs may name {', '.join(COLUMNS)}, not {', '.join(sorted(unknown))}"
    test |= {name: COLUMNS[name] for name in protocol.needs}
    for seed, condition in enumerate(protocol.conditions, start=1):
        altered = _measure(protocol, _random_maps(seed))
        test |= {f"{condition}/{name}": values for name, values in altered.items()}
    _check_scores(protocol, test)


def _check_scores(protocol: Protocol, test: dict[str, np.ndarray]) -> None:
    scores = protocol.summarise(test, None)
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
    iou = protocol.sample_iou(test, None)
    assert isinstance(iou, np.ndarray), f"sample_iou must return an array, not {type(iou).__name__}"
    assert iou.shape == (SAMPLES,), f"sample_iou must return (N,) = ({SAMPLES},), not {iou.shape}"
    assert ((iou >= 0) & (iou <= 1)).all(), "sample_iou lies in 0..1"


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
    return ScoredMaps(heatmaps, TruthMasks(truths), draw.random(SAMPLES))


def _one(maps: ScoredMaps, index: int) -> ScoredMaps:
    rows = slice(index, index + 1)
    return ScoredMaps(maps.heatmaps[rows], TruthMasks(maps.truths.values[rows]), maps.confidence[rows])
