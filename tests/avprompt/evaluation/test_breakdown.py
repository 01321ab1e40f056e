"""Scores of groups of samples."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from avprompt.errors import ConfigError
from avprompt.evaluation.breakdown import breakdown, check_breakdown
from avprompt.metrics.iou import localisation_scores
from avprompt.metrics.protocol import Protocol
from avprompt.metrics.scored_maps import ScoredMaps
from avprompt.records import GroundTruth


def truth(side: int, sources: int = 1) -> GroundTruth:
    mask = np.zeros((224, 224), dtype=np.float32)
    mask[:side, :side] = 1
    return GroundTruth(mask, sources=sources)


def groups_of(truths: list[GroundTruth], iou: np.ndarray, by: str, labels: list[str] | None = None) -> Any:
    labels = labels or [""] * len(truths)
    return breakdown(labels, truths, lambda rows: {**localisation_scores(iou[rows]), "threshold": 0.5}, by)


class Interactive(Protocol):
    name, summary, headline = "interactive", "the worst sample of an image", "IIoU"
    needs = ("group",)

    def measure(self, maps: ScoredMaps) -> dict[str, np.ndarray]:
        return {}


def test_images_are_not_cut_apart() -> None:
    check_breakdown(Interactive(), [])
    with pytest.raises(
        ConfigError, match=r"'interactive' scores all samples of an image together.*--protocol"
    ):
        check_breakdown(Interactive(), ["size"])


def test_by_size_from_small_to_huge() -> None:
    truths = [truth(200), truth(31), truth(32), truth(95), truth(143), truth(144)]
    groups = groups_of(truths, np.array([1.0, 1, 0, 1, 0, 0]), "size")
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
        name: group["cIoU"] for name, group in groups_of(truths, iou, "class", ["dog", "", "dog"]).items()
    } == {
        "dog": 50,
        "unnamed": 0,
    }
    assert list(groups_of(truths, iou, "sources")) == ["1", "2"]
