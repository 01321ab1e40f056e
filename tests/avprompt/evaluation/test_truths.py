"""Truths come out as they went in, and take little room."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from avprompt.evaluation.truths import CompressedTruth, CompressedTruths
from avprompt.records import GroundTruth
from tinyworld.scenes import scene

BOX = np.zeros((224, 224), dtype=np.float32)
BOX[20:120, 40:200] = 1


def same(one: GroundTruth, other: GroundTruth) -> bool:
    pairs = ((one.mask, other.mask), (one.silent, other.silent))
    equal = all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in pairs)
    return equal and one.sources == other.sources


@pytest.mark.parametrize(
    "truth",
    [
        GroundTruth(BOX, sources=2),
        GroundTruth(BOX * np.float32(0.5)),
        GroundTruth(np.random.default_rng(0).random((5, 7)).astype(np.float32)),
        GroundTruth(np.zeros((5, 7), dtype=np.float32), np.ones((2, 5, 7), dtype=bool)),
        GroundTruth(BOX, np.zeros((0, 224, 224), dtype=bool)),
    ],
    ids=["box", "half", "fractions", "silent objects", "no silent object"],
)
def test_a_truth_comes_out_as_it_went_in(truth: GroundTruth) -> None:
    assert same(CompressedTruth.of(truth).truth(), truth)


def test_a_box_takes_a_few_hundred_bytes() -> None:
    assert len(pickle.dumps(CompressedTruth.of(GroundTruth(BOX)))) < 1000


def test_truths_stand_in_order() -> None:
    samples = [scene("test", index) for index in range(3)]
    truths = CompressedTruths.of(sample.truth for sample in samples if sample.truth)
    assert len(truths) == 3
    assert all(
        same(truth, sample.truth) for truth, sample in zip(truths, samples, strict=True) if sample.truth
    )
