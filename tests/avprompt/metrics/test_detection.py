from __future__ import annotations

import numpy as np
import pytest

from avprompt.metrics.detection import (
    average_precision,
    localisation_accuracy,
    max_f1,
    precision_recall,
)

# Five samples by falling confidence: right, silent, in the wrong place, right, silent.
CONFIDENCE = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
SOUNDING = np.array([True, False, True, True, False])
IOU = np.array([0.8, 0.0, 0.2, 0.5, 0.0])


def test_precision_and_recall_by_hand() -> None:
    precision, recall = precision_recall(IOU, CONFIDENCE, SOUNDING, np.array([1.0, 0.9, 0.7, 0.0]))
    assert precision.tolist() == [1, 1, 1 / 3, 2 / 5]
    assert recall.tolist() == [0, 1 / 3, 1 / 2, 1]


def test_a_misplaced_sample_is_no_miss() -> None:
    _, recall = precision_recall(np.zeros(2), np.ones(2), np.array([True, True]), np.array([0.5]))
    assert recall.tolist() == [1], "nothing counts, and that is full recall"


def test_average_precision_by_hand() -> None:
    # Thresholds 0.8, 0.7, 0.6, 0.5: precision 1/2, 1/3, 1/2, 2/5; recall 1/3, 1/2, 1, 1.
    assert average_precision(IOU, CONFIDENCE, SOUNDING) == pytest.approx(0.5 * (1 / 2 - 1 / 3) + 0.5 * 1 / 2)


def test_max_f1_by_hand() -> None:
    # At 0.6 precision is 1/2 and recall 1.
    assert max_f1(IOU, CONFIDENCE, SOUNDING) == pytest.approx(2 / 3)
    assert max_f1(np.zeros(5), CONFIDENCE, SOUNDING) == 0


def test_location_counts_only_where_something_sounds() -> None:
    assert localisation_accuracy(IOU, SOUNDING) == pytest.approx(2 / 3)
    assert localisation_accuracy(IOU, np.zeros(5, dtype=bool)) == 0


def test_an_iou_of_exactly_one_half_is_right() -> None:
    """As where SLAVC counts precision; another function of its evaluator asks for more than 0.5."""
    half, sounding = np.array([0.5]), np.array([True])
    assert localisation_accuracy(half, sounding) == 1
    precision, _ = precision_recall(half, np.array([0.9]), sounding, np.array([-1000.0]))
    assert precision[0] == 1


def test_uninformative_confidence_has_a_high_floor() -> None:
    """With half of the samples sounding and LocAcc a, max-F1 is a / (1 + a / 2) and AP about a / 2."""
    generator = np.random.default_rng(0)
    sounding = np.arange(20_000) % 2 == 0
    iou = np.where(sounding & (generator.random(20_000) < 0.836), 1.0, 0.0)
    confidence = generator.random(20_000)
    assert max_f1(iou, confidence, sounding) == pytest.approx(0.5896, abs=0.006)
    assert average_precision(iou, confidence, sounding) == pytest.approx(0.418, abs=0.015)


def test_large_sets_are_walked_in_steps() -> None:
    """The official walk: every n // 200-th of the sorted confidences, from the second largest down."""
    generator = np.random.default_rng(1)
    count = 650
    iou, confidence = generator.random(count), generator.random(count)
    sounding = generator.random(count) < 0.5
    points = []
    for at in sorted(confidence.tolist())[:-1][::-3]:
        hit = sum(c >= at and s and i >= 0.5 for c, s, i in zip(confidence, sounding, iou, strict=True))
        reported = sum(c >= at for c in confidence)
        missed = sum(c < at and s for c, s in zip(confidence, sounding, strict=True))
        points.append((hit / reported, hit / (hit + missed)))
    best = [max(p for p, _ in points[k:]) for k in range(len(points))]
    steps = zip(best, points[:-1], points[1:], strict=False)
    expected = sum(p * (right[1] - left[1]) for p, left, right in steps)
    assert average_precision(iou, confidence, sounding) == pytest.approx(expected)
