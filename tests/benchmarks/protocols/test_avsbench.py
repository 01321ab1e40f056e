from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from avprompt.metrics.iou import TruthMasks
from avprompt.metrics.scored_maps import ScoredMaps
from avprompt.records import GroundTruth
from avprompt_benchmarks.protocols.avsbench import AvsbenchDataset, AvsbenchOfficial


def test_dataset_scores_equal_the_evaluator_of_acl(golden_forty: SimpleNamespace) -> None:
    protocol = AvsbenchDataset()
    test = protocol.measure(
        ScoredMaps(golden_forty.heatmap, TruthMasks(golden_forty.gt_avsbench), golden_forty.confidence)
    )
    scores = protocol.summarise(test, None)
    for at, row in scores["by_threshold"].items():
        official = golden_forty.expected["avsbench"][str(float(at))]
        assert row["mIoU"] == pytest.approx(official["mIoU"], abs=1e-5)
        assert scores["F"] == pytest.approx(official["Fmeasure"], abs=1e-5)
    assert scores["mIoU"] == scores["by_threshold"]["0.50"]["mIoU"]


def test_official_scores_average_batches(golden_ten: SimpleNamespace) -> None:
    class FiveFrames(AvsbenchOfficial):
        batch = 5

    protocol = FiveFrames()
    test = protocol.measure(
        ScoredMaps(golden_ten.heatmap, TruthMasks(golden_ten.gt_avsbench), golden_ten.confidence)
    )
    halves = [{name: values[part] for name, values in test.items()} for part in (slice(5), slice(5, 10))]
    halves_scored = [AvsbenchDataset().summarise(half, None) for half in halves]
    scores = protocol.summarise(test, None)
    assert scores["F"] == pytest.approx(np.mean([half["F"] for half in halves_scored]))
    assert scores["mIoU"] == pytest.approx(np.mean([half["mIoU"] for half in halves_scored]))


def test_a_frame_counts_with_its_iou_at_half() -> None:
    heatmaps = np.array([[[0.9, 0.4]], [[0.9, 0.6]]], dtype=np.float32)
    test = AvsbenchOfficial().measure(ScoredMaps(heatmaps, TruthMasks(np.ones((2, 1, 2))), np.zeros(2)))
    assert AvsbenchOfficial().per_sample(test, None)["mIoU"] == pytest.approx([0.5, 1])


def test_a_short_last_batch_makes_no_mean_over_frames() -> None:
    class TwoFrames(AvsbenchOfficial):
        batch = 2

    test = {"iou": np.tile([[0.1], [0.5], [0.9]], (1, 19)), "f": np.full((3, 255), 0.5)}
    assert TwoFrames().per_sample(test, None) == {}
    assert TwoFrames().summarise(test, None)["mIoU"] == pytest.approx((30 + 90) / 2)
    assert "mIoU" in AvsbenchDataset().per_sample(test, None)


def test_floors_are_the_mean_iou_of_frames_by_hand() -> None:
    whole, empty = np.ones((2, 2), np.float32), np.zeros((2, 2), np.float32)
    floors = AvsbenchDataset().floors([GroundTruth(whole), GroundTruth(empty)], {})
    # The whole image is right in the one frame, and leaves nothing out of the other.
    assert floors["whole-image"]["mIoU"] == pytest.approx(50, abs=1e-4)
    assert floors["centre-disc"]["mIoU"] == floors["whole-image"]["mIoU"], "all of 2 x 2 is at the centre"
