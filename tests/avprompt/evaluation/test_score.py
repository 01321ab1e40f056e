"""Scores of groups of samples."""

from __future__ import annotations

import numpy as np

from avprompt.evaluation.score import breakdown
from avprompt.records import GroundTruth


def truth(side: int, sources: int = 1) -> GroundTruth:
    mask = np.zeros((224, 224), dtype=np.float32)
    mask[:side, :side] = 1
    return GroundTruth(mask, sources=sources)


def test_by_size_from_small_to_huge() -> None:
    truths = [truth(200), truth(31), truth(32), truth(95), truth(143), truth(144)]
    groups = breakdown([""] * 6, truths, np.array([1.0, 1, 0, 1, 0, 0]), "size")
    assert {name: group["samples"] for name, group in groups.items()} == {
        "small": 1,
        "medium": 2,
        "large": 1,
        "huge": 2,
    }
    assert list(groups) == ["small", "medium", "large", "huge"]
    assert groups["medium"]["cIoU"] == 50


def test_by_class_and_sources() -> None:
    truths = [truth(50, 1), truth(50, 2), truth(50, 1)]
    iou = np.array([1.0, 0, 0])
    assert {
        name: group["cIoU"] for name, group in breakdown(["dog", "", "dog"], truths, iou, "class").items()
    } == {
        "dog": 50,
        "unnamed": 0,
    }
    assert list(breakdown([""] * 3, truths, iou, "sources")) == ["1", "2"]
