"""Truths come out as they went in, and take little room."""

from __future__ import annotations

import hashlib
import pickle

import numpy as np
import pytest

from avprompt.evaluation.truths import CompressedTruth, CompressedTruths, digests
from avprompt.records import GroundTruth
from tinyworld.scenes import scene

BOX = np.zeros((224, 224), dtype=np.float32)
BOX[20:120, 40:200] = 1


def same(one: GroundTruth, other: GroundTruth) -> bool:
    pairs = ((one.mask, other.mask), (one.silent, other.silent), (one.parts, other.parts))
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
        GroundTruth(BOX, sources=2, parts=np.stack([BOX > 0, BOX > 1])),
    ],
    ids=["box", "half", "fractions", "silent objects", "no silent object", "sources apart"],
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


class TestDigests:
    def test_do_not_depend_on_the_order(self) -> None:
        one, other = GroundTruth(BOX), GroundTruth(BOX.T)
        assert digests(["a", "b"], [one, other]) == digests(["b", "a"], [other, one])

    def test_are_the_same_on_every_machine(self) -> None:
        truth = GroundTruth(np.eye(2, dtype=np.float32), np.ones((1, 2, 2), dtype=bool), sources=2)
        names, contents = digests(["clip"], [truth]).values()
        assert names == hashlib.sha256(b"clip\0").hexdigest()
        head = b"clip\0(2, 2) (1, 2, 2) 2\0"
        masks = bytes.fromhex("0000803f 00000000 00000000 0000803f 01010101")
        assert contents == hashlib.sha256(head + masks).hexdigest()

    @pytest.mark.parametrize(
        "other",
        [
            GroundTruth(BOX * np.float32(0.5)),
            GroundTruth(BOX, sources=2),
            GroundTruth(BOX, np.zeros((1, 1, 1), dtype=bool)),
            GroundTruth(BOX.reshape(112, 448)),
            GroundTruth(BOX, parts=BOX[None] > 0),
        ],
        ids=["mask", "sources", "silent objects", "shape", "sources apart"],
    )
    def test_see_every_change_of_a_truth(self, other: GroundTruth) -> None:
        before, after = digests(["a"], [GroundTruth(BOX)]), digests(["a"], [other])
        assert before["ids"] == after["ids"]
        assert before["truths"] != after["truths"]

    def test_see_whose_truth_it_is(self) -> None:
        truths = [GroundTruth(BOX), GroundTruth(BOX.T)]
        before, after = digests(["a", "b"], truths), digests(["a", "b"], truths[::-1])
        assert before["ids"] == after["ids"]
        assert before["truths"] != after["truths"]
