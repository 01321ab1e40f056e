"""Measured batches become one whole, wherever and in whatever order they were measured."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from avprompt.errors import EvaluationError
from avprompt.evaluation.measure import MeasuredSamples, check_needs, join, measure_batch
from avprompt.records import Missing, Prediction
from avprompt_benchmarks.protocols.localisation import EzvslMedian
from avprompt_benchmarks.protocols.negative import NegativeAudio
from tinyworld.scenes import SIDE, scene

PROTOCOLS = [EzvslMedian(), NegativeAudio()]
SAMPLES = [scene("test", index) for index in range(6)]


def batch(*places: int, conditions: tuple[str, ...] = ("true", "silent")) -> MeasuredSamples:
    """Measure maps that depend on the sample alone."""
    samples = [SAMPLES[place] for place in places]
    maps = np.stack([np.random.default_rng(k).random((SIDE, SIDE), dtype=np.float32) for k in places])
    prediction = Prediction(torch.from_numpy(maps), torch.tensor(places, dtype=torch.float64))
    return measure_batch(places, samples, dict.fromkeys(conditions, prediction), PROTOCOLS)


def assert_equal(measured: MeasuredSamples, whole: MeasuredSamples) -> None:
    assert measured.ids == whole.ids
    assert measured.confidence.tolist() == whole.confidence.tolist()
    assert measured.distractor_rows == whole.distractor_rows
    for key, values in whole.values.items():
        for name, rows in values.items():
            np.testing.assert_array_equal(measured.values[key][name], rows)


def test_the_order_is_that_of_the_split() -> None:
    measured, whole = join([batch(4, 5), batch(0, 1), batch(2, 3)]), batch(0, 1, 2, 3, 4, 5)
    assert whole.ids == [f"test-{k}" for k in range(6)]
    assert measured.confidence.tolist() == [0, 1, 2, 3, 4, 5]
    assert_equal(measured, whole)


def test_shares_of_ranks_join_as_their_batches_do() -> None:
    conditions = ("true", "silent", "distractor")
    batches = [batch(k, k + 1, conditions=conditions) for k in (0, 2, 4)]
    measured = join([join([batches[0], batches[2]]), join([]), join([batches[1]])])
    assert_equal(measured, batch(0, 1, 2, 3, 4, 5, conditions=conditions))


def test_what_is_missing_is_named_once_and_in_order() -> None:
    shares = [
        replace(batch(0), missing={5: Missing("e", "")}),
        MeasuredSamples(missing={3: Missing("c", ""), 1: Missing("a", "")}),
    ]
    measured = join(shares)
    assert [missing.id for missing in measured.missing.values()] == ["a", "c", "e"]
    assert measured.ids == ["test-0"]


def test_nothing_but_missing_samples() -> None:
    measured = join([MeasuredSamples(missing={0: Missing("a", "")}), MeasuredSamples()])
    assert len(measured) == 0
    assert list(measured.missing) == [0]


def test_a_condition_that_some_batch_lacks_is_left_out() -> None:
    batches = [batch(0, 1, conditions=("true", "text-prompt")), batch(2, 3, conditions=("true",))]
    assert {condition for condition, _ in join(batches).values} == {"true"}


def test_only_some_batches_have_distractors() -> None:
    with_it = batch(0, 1, conditions=("true", "distractor"))
    measured = join([with_it, batch(2, 3, conditions=("true",))])
    assert measured.distractor_rows == [0, 1]
    assert len(measured.values["distractor/on-original", "ezvsl-median"]["iou"]) == 2
    given = measured.measurements(EzvslMedian(), "distractor/on-original")
    assert given["id"].tolist() == ["test-0", "test-1"]


def test_a_protocol_is_handed_what_it_asked_of_other_sounds() -> None:
    measured = join([batch(0, 1), batch(2)])
    given = measured.measurements(NegativeAudio())
    np.testing.assert_array_equal(given["silent/peak"], measured.values["silent", "negative-audio"]["peak"])
    assert given["id"].tolist() == measured.ids
    assert ("noise", "negative-audio") not in measured.values, "no such maps"


def test_the_headline_is_measured_under_every_sound() -> None:
    conditions = ("true", "silent", "shuffled", "distractor", "text-prompt")
    asked = {
        condition for condition, name in batch(0, 1, conditions=conditions).values if name == "ezvsl-median"
    }
    assert asked == {
        "true",
        "silent",
        "shuffled",
        "distractor/on-original",
        "distractor/on-distractor",
        "text-prompt",
    }
    others = {
        condition for condition, name in batch(0, conditions=conditions).values if name == "negative-audio"
    }
    assert others == {"true", "silent"}, "another protocol only under what it asks for"


class Deep(EzvslMedian):
    name, needs = "deep", ("depth", "label")


def test_what_a_protocol_needs_of_samples_reaches_it() -> None:
    samples = [replace(sample, extra={"depth": [k, k + 0.5]}) for k, sample in enumerate(SAMPLES[:2])]
    prediction = Prediction(torch.rand(1, SIDE, SIDE), torch.zeros(1))
    batches = [measure_batch([k], [samples[k]], {"true": prediction}, [Deep()]) for k in (1, 0)]
    given = join(batches).measurements(Deep())
    assert given["depth"].tolist() == [[0, 0.5], [1, 1.5]]
    assert given["label"].tolist() == [sample.label for sample in samples]


def test_a_sample_that_lacks_what_a_protocol_needs_is_named() -> None:
    message = "The protocol 'deep' needs 'depth' of every sample, and 'test-1' of the benchmark 'tiny' has no"
    samples = [replace(SAMPLES[0], extra={"depth": 1}), SAMPLES[1]]
    with pytest.raises(EvaluationError, match=message):
        check_needs([Deep()], samples, "tiny")
    with pytest.raises(EvaluationError, match="needs 'depth' of every sample, and 'test-1' has no"):
        measure_batch(
            [0, 1], samples, {"true": Prediction(torch.rand(2, SIDE, SIDE), torch.zeros(2))}, [Deep()]
        )


def test_maps_are_not_kept() -> None:
    arrays = [row for values in batch(0, 1).values.values() for row in values.values()]
    assert max(row.size for row in arrays) == pytest.approx(2 * 101)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("condition", ["true", "silent", "distractor", "text-prompt"])
@pytest.mark.parametrize("field", ["heatmap", "confidence"])
def test_what_is_not_finite_is_never_scored(number: float, condition: str, field: str) -> None:
    samples = [replace(SAMPLES[0], distractor=None), *SAMPLES[1:3]]
    others = samples[1:] if condition == "distractor" else samples
    plain = Prediction(torch.rand(3, SIDE, SIDE), torch.rand(3))
    spoilt = Prediction(torch.rand(len(others), SIDE, SIDE), torch.rand(len(others)))
    getattr(spoilt, field).view(len(others), -1)[-1, -1] = number
    predictions = {"true": plain, condition: spoilt}
    message = rf"The {field} \(sound: {condition}\) of 'test-2' holds NaN or infinity.*avprompt data check"
    with pytest.raises(EvaluationError, match=message):
        measure_batch([0, 1, 2], samples, predictions, PROTOCOLS)
