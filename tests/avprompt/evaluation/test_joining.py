"""Measured batches become one whole, wherever and in whatever order they were measured."""

from __future__ import annotations

import numpy as np
import pytest

from avprompt.evaluation.joining import join
from avprompt.evaluation.measure import Block, Maps, Measurer, Part
from avprompt.records import Missing, Split
from avprompt_benchmarks.protocols.localisation import EzvslMedian
from avprompt_benchmarks.protocols.negative import NegativeAudio
from tinyworld.scenes import SIDE, scene

PROTOCOLS = [EzvslMedian(), NegativeAudio()]
SPLIT = Split([scene("test", index) for index in range(6)], 8, (Missing("gone", "never there"),))


def block(*places: int, conditions: tuple[str, ...] = ("true", "silent")) -> Block:
    """Measure maps that depend on the sample alone."""
    samples = [SPLIT.samples[place] for place in places]
    maps = np.stack([np.random.default_rng(k).random((SIDE, SIDE), dtype=np.float32) for k in places])
    found = {name: Maps(maps, np.array(places, dtype=float)) for name in conditions}
    return Measurer(PROTOCOLS).measure(list(places), samples, found)


def test_the_order_is_that_of_the_split() -> None:
    measured = join([Part([block(4, 5), block(0, 1)]), Part([block(2, 3)])], SPLIT, PROTOCOLS)
    whole = join([Part([block(0, 1, 2, 3, 4, 5)])], SPLIT, PROTOCOLS)
    assert measured.ids == whole.ids == [f"test-{k}" for k in range(6)]
    assert measured.confidence.tolist() == [0, 1, 2, 3, 4, 5]
    for key, values in whole.values.items():
        for name, rows in values.items():
            np.testing.assert_array_equal(measured.values[key][name], rows)


def test_what_is_missing_is_named_once_and_in_order() -> None:
    parts = [Part([block(0)], {5: Missing("e", "")}), Part([], {3: Missing("c", ""), 1: Missing("a", "")})]
    measured = join(parts, SPLIT, PROTOCOLS)
    assert [one.id for one in measured.missing] == ["gone", "a", "c", "e"]
    assert measured.expected == 8


def test_a_condition_that_some_batch_lacks_is_left_out() -> None:
    parts = [
        Part([block(0, 1, conditions=("true", "text-prompt"))]),
        Part([block(2, 3, conditions=("true",))]),
    ]
    assert {condition for condition, _ in join(parts, SPLIT, PROTOCOLS).values} == {"true"}


def test_only_some_batches_have_distractors() -> None:
    with_it = block(0, 1, conditions=("true", "distractor"))
    measured = join([Part([with_it, block(2, 3, conditions=("true",))])], SPLIT, PROTOCOLS)
    assert measured.distractor_rows == [0, 1]
    assert len(measured.values["distractor/on-original", "val-threshold"]["iou"]) == 2


def test_a_protocol_is_handed_what_it_asked_of_other_sounds() -> None:
    values = join([Part([block(0, 1), block(2)])], SPLIT, PROTOCOLS).values
    given = values["true", "negative-audio"]["silent/peak"]
    np.testing.assert_array_equal(given, values["silent", "negative-audio"]["peak"])
    assert ("silent", "ezvsl-median") not in values


def test_maps_are_not_kept() -> None:
    arrays = [row for values in block(0, 1).values.values() for row in values.values()]
    assert max(row.size for row in arrays) == pytest.approx(2 * 101)
