from __future__ import annotations

import inspect
from collections.abc import Iterator

import numpy as np
import pytest

from avprompt.metrics import scored_maps, val_threshold
from avprompt.metrics.iou import TruthMasks
from avprompt.metrics.protocol import Protocol, measure_all
from avprompt.metrics.protocols import avatar, avsbench, extended, fixed, interactive, median, negative
from avprompt.metrics.scored_maps import ScoredMaps

MODULES = (avatar, avsbench, extended, fixed, interactive, median, negative, val_threshold)
NAMES = {
    "acl-sweep",
    "avatar",
    "avsbench-dataset",
    "avsbench-official",
    "ezvsl-median",
    "kaist-adaptive",
    "kaist-interactive",
    "lvs-median",
    "negative-audio",
    "slavc-extended",
    "val-threshold",
}


def protocols() -> Iterator[Protocol]:
    for module in MODULES:
        for member in vars(module).values():
            own = inspect.isclass(member) and member.__module__ == module.__name__
            if own and issubclass(member, Protocol) and hasattr(member, "name"):
                yield member()


def batch(seed: int = 0) -> ScoredMaps:
    generator = np.random.default_rng(seed)
    truths = np.zeros((3, 8, 8), dtype=np.float32)
    truths[:2, 2:5, 2:6] = 1
    heatmaps = generator.random((3, 8, 8), dtype=np.float32)
    return ScoredMaps(heatmaps, TruthMasks(truths), generator.random(3))


def test_all_protocols_of_the_field_are_here() -> None:
    assert {protocol.name for protocol in protocols()} == NAMES


@pytest.mark.parametrize("protocol", list(protocols()), ids=lambda protocol: protocol.name)
def test_a_protocol_keeps_its_contract(protocol: Protocol) -> None:
    measured = protocol.measure(batch())
    assert all(len(values) == 3 for values in measured.values())
    test = {**measured, "id": np.array(["a_1", "a_2", "b_1"])}
    columns = {
        "sounding": [True, True, False],
        "group": ["a", "a", "b"],
        "scenario": ["x", "x", "off-screen"],
    }
    test |= {name: np.array(columns[name]) for name in protocol.needs}
    for seed, condition in enumerate(protocol.conditions):
        altered = protocol.measure(batch(seed + 1))
        test |= {f"{condition}/{name}": values for name, values in altered.items()}
    scores = protocol.summarise(test, None)
    assert isinstance(scores[protocol.headline], float)
    iou = protocol.sample_iou(test, None)
    assert iou.shape == (3,)
    assert ((iou >= 0) & (iou <= 1)).all()
    assert protocol.summary


@pytest.mark.parametrize("protocol", list(protocols()), ids=lambda protocol: protocol.name)
def test_measuring_does_not_depend_on_the_batch(protocol: Protocol) -> None:
    maps = batch()
    whole = protocol.measure(maps)
    alone = [
        ScoredMaps(maps.heatmaps[k], TruthMasks(maps.truths.values[k]), maps.confidence[k])
        for k in (slice(0, 1), slice(1, 2), slice(2, 3))
    ]
    parts = [protocol.measure(sample) for sample in alone]
    for name, values in whole.items():
        np.testing.assert_array_equal(values, np.concatenate([part[name] for part in parts]))


def test_protocols_that_measure_alike_measure_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def counted(*arguments: object) -> np.ndarray:
        calls.append(arguments)
        return np.zeros((3, 19))

    monkeypatch.setattr(scored_maps, "iou_at", counted)
    protocols = [val_threshold.ValThreshold(), fixed.AclSweep(), median.EzvslMedian()]
    found = measure_all(protocols, batch())
    assert list(found) == ["val-threshold", "acl-sweep", "ezvsl-median"]
    assert len(calls) == 1
    found["val-threshold"]["id"] = np.zeros(3)
    assert "id" not in found["acl-sweep"], "the tables are apart, only arrays are shared"
