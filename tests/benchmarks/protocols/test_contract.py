"""Every protocol of the field keeps what the interface promises; every benchmark is scored by its own."""

from __future__ import annotations

import numpy as np
import pytest

from avprompt.metrics.iou import TruthMasks
from avprompt.metrics.protocol import Protocol
from avprompt.metrics.scored_maps import ScoredMaps
from avprompt.registry import Registry
from avprompt.testing import check_protocol

NAMES = {
    "acl-sweep",
    "avatar",
    "avsbench-dataset",
    "avsbench-official",
    "each-source",
    "ezvsl-median",
    "kaist-adaptive",
    "kaist-interactive",
    "lvs-median",
    "negative-audio",
    "slavc-extended",
    "val-threshold",
}
SIMPLE = ("val-threshold", "acl-sweep", "ezvsl-median")
VGGSS = (*SIMPLE, "lvs-median", "kaist-adaptive")
BOXES = ("val-threshold", "acl-sweep", "lvs-median", "kaist-adaptive")
INTERACTIVE = ("kaist-interactive", "val-threshold", "acl-sweep", "kaist-adaptive")
AVSBENCH = ("avsbench-dataset", "avsbench-official")
OF_BENCHMARKS = {
    "avatar": ("avatar",),
    "avsbench-ms3": AVSBENCH,
    "avsbench-ms3-boxes": BOXES,
    "avsbench-s4": AVSBENCH,
    "avsbench-s4-boxes": BOXES,
    "flickr": VGGSS,
    "flickr-extended": ("slavc-extended",),
    "folder": SIMPLE,
    "is3": (*INTERACTIVE, "negative-audio"),
    "is3-masks": (*INTERACTIVE, "negative-audio"),
    "toy": SIMPLE,
    "toy-crowd": ("each-source", *SIMPLE),
    "toy-openset": SIMPLE,
    "toy-twins": SIMPLE,
    "toy-vague": SIMPLE,
    "vggss": (*VGGSS, "negative-audio"),
    "vggss-extended": ("slavc-extended",),
    "vggss-heard": VGGSS,
    "vggss-openset": VGGSS,
    "vggss-unheard": VGGSS,
    "vpo-ms": INTERACTIVE,
    "vpo-ms-masks": INTERACTIVE,
    "vpo-ss": INTERACTIVE,
    "vpo-ss-masks": INTERACTIVE,
}


@pytest.fixture(params=sorted(NAMES))
def protocol(request: pytest.FixtureRequest, registry: Registry) -> Protocol:
    return registry.load("protocols", request.param)()


def batch(seed: int = 0) -> ScoredMaps:
    generator = np.random.default_rng(seed)
    truths = np.zeros((3, 8, 8), dtype=np.float32)
    truths[:2, 2:5, 2:6] = 1
    heatmaps = generator.random((3, 8, 8), dtype=np.float32)
    return ScoredMaps(heatmaps, TruthMasks(truths), generator.random(3))


def test_all_protocols_of_the_field_are_here(registry: Registry) -> None:
    ours = {entry.name for entry in registry.entries("benchmarks") if entry.kind == "protocols"}
    assert ours == NAMES


def test_every_benchmark_is_scored_by_the_protocols_of_its_papers(registry: Registry) -> None:
    ours = [entry.name for entry in registry.entries("benchmarks") if entry.kind == "datasets"]
    assert {name: registry.load("datasets", name).protocols for name in ours} == OF_BENCHMARKS


def test_a_protocol_keeps_what_plugin_authors_are_asked_for(protocol: Protocol) -> None:
    check_protocol(protocol)


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
    choice = protocol.choose(test, None)
    scores = protocol.summarise(test, choice)
    assert isinstance(scores[protocol.headline], float)
    for name, values in protocol.per_sample(test, choice).items():
        assert values.shape == (3,)
        assert 100 * np.nanmean(values) == pytest.approx(scores[name])
    assert protocol.summary


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
