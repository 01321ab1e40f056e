from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from avprompt.metrics.iou import TruthMasks
from avprompt.metrics.protocol import Protocol
from avprompt.metrics.scored_maps import ScoredMaps
from avprompt_benchmarks.protocols.localisation import AclSweep, EzvslMedian, KaistAdaptive, LvsMedian


def measured(protocol: Protocol, heatmaps: np.ndarray, truths: np.ndarray) -> dict[str, np.ndarray]:
    return protocol.measure(ScoredMaps(heatmaps, TruthMasks(truths), np.zeros(len(heatmaps))))


def scores_of(protocol: Protocol, heatmaps: np.ndarray, truths: np.ndarray) -> dict[str, Any]:
    test = measured(protocol, heatmaps, truths)
    return protocol.summarise(test, protocol.choose(test, None))


def test_acl_sweep_prints_every_threshold() -> None:
    low, middle = np.full((2, 20, 19), 0.1)
    low[:, 0], middle[:, 9] = 0.8, 0.8
    scores = AclSweep().summarise({"iou": low}, AclSweep().choose({"iou": low}, {"iou": middle}))
    assert list(scores["by_threshold"]) == [f"{k * 0.05:.2f}" for k in range(1, 20)]
    assert scores["threshold"] == 0.05
    assert scores["cIoU"] == scores["by_threshold"]["0.05"]["cIoU"] == 100
    assert scores["by_threshold"]["0.95"]["cIoU"] == 0


def test_acl_sweep_equals_the_official_evaluator(golden_forty: SimpleNamespace) -> None:
    scores = scores_of(AclSweep(), golden_forty.heatmap, golden_forty.gt)
    for at, row in scores["by_threshold"].items():
        official = golden_forty.expected["vggss"][str(float(at))]
        assert row["cIoU"] == pytest.approx(official["cIoU(AP50)"], abs=1e-9)
        assert row["AUC"] == pytest.approx(official["AUC"], abs=1e-9)
        assert row["mean_IoU"] == pytest.approx(official["mean_cIoU"], abs=1e-5)  # float32 there
    assert scores["threshold"] == 0.5
    assert scores["cIoU"] == pytest.approx(95)


def test_acl_sweep_of_the_golden_subset(golden_ten: SimpleNamespace) -> None:
    scores = scores_of(AclSweep(), golden_ten.heatmap, golden_ten.gt)
    at_half = scores["by_threshold"]["0.50"]
    official = golden_ten.iou_at_half
    assert at_half["cIoU"] == pytest.approx(100 * np.mean(official >= 0.5))
    assert at_half["mean_IoU"] == pytest.approx(100 * official.mean(), abs=1e-5)


def test_half_of_the_image_is_marked_whatever_the_scale() -> None:
    heatmap = np.linspace(0.1, 0.2, 16, dtype=np.float32).reshape(1, 4, 4)
    truth = np.zeros((1, 4, 4), dtype=np.float32)
    truth[0, 3] = 1
    assert measured(EzvslMedian(), heatmap, truth)["iou"].tolist() == [4 / 8]


def test_ezvsl_median_equals_the_official_evaluator(golden_forty: SimpleNamespace) -> None:
    scores = scores_of(EzvslMedian(), golden_forty.heatmap, golden_forty.gt)
    official = golden_forty.expected["vggss"]["None"]
    assert scores["cIoU"] == pytest.approx(official["cIoU(AP50)"], abs=1e-9)
    assert scores["AUC"] == pytest.approx(official["AUC"], abs=1e-9)
    assert scores["mean_IoU"] == pytest.approx(official["mean_cIoU"], abs=1e-5)


def test_ezvsl_median_of_the_golden_subset(golden_ten: SimpleNamespace) -> None:
    scores = scores_of(EzvslMedian(), golden_ten.heatmap, golden_ten.gt)
    iou = []
    for heatmap, truth in zip(golden_ten.heatmap, golden_ten.gt, strict=True):
        mask = heatmap >= sorted(heatmap.ravel().tolist())[224 * 224 // 2]
        iou.append((mask & (truth > 0)).sum() / (mask | (truth > 0)).sum())
    assert scores["mean_IoU"] == pytest.approx(100 * np.mean(iou))


def test_ezvsl_median_over_real_clips(shared: Path) -> None:
    """The 24 clips in VGG-SS's layout, from stored heatmaps to scores."""
    golden = shared / "golden" / "acl_tiny"
    heatmaps = load_file(golden / "vggss_layout_heatmaps_224.safetensors")
    boxes = {
        item["file"]: item["bbox"] for item in json.loads((shared / "data/clips/vggss.json").read_text())
    }
    truths = np.zeros((len(heatmaps), 224, 224), dtype=np.float32)
    for truth, name in zip(truths, heatmaps, strict=True):
        for left, top, right, bottom in (np.clip(boxes[name], 0, 1) * 224).astype(int):
            truth[top:bottom, left:right] = 1
    scores = scores_of(EzvslMedian(), np.stack(list(heatmaps.values())), truths)
    official = json.loads((golden / "vggss_layout_expected.json").read_text())["adaptive"]
    assert scores["AUC"] == pytest.approx(official["AUC"], abs=1e-9)
    assert scores["mean_IoU"] == pytest.approx(official["mean_cIoU"], abs=1e-5)


def test_lvs_median_leaves_ties_out() -> None:
    flat = np.full((1, 4, 4), 0.3, dtype=np.float32)
    truth = np.ones((1, 4, 4), dtype=np.float32)
    assert measured(EzvslMedian(), flat, truth)["iou"].tolist() == [1]
    assert measured(LvsMedian(), flat, truth)["iou"].tolist() == [0]


def test_lvs_median_marks_one_pixel_less_without_ties() -> None:
    heatmap = np.linspace(0, 1, 16, dtype=np.float32).reshape(1, 4, 4)
    truth = np.ones((1, 4, 4), dtype=np.float32)
    assert measured(LvsMedian(), heatmap, truth)["iou"].tolist() == [7 / 16]


def test_kaist_adaptive_knows_the_size_of_the_object() -> None:
    heatmap = np.linspace(0, 1, 16, dtype=np.float32).reshape(1, 4, 4)
    truth = np.zeros((1, 4, 4), dtype=np.float32)
    truth[0, 3] = 1
    assert measured(KaistAdaptive(), heatmap, truth)["iou"].tolist() == [3 / 4]
    assert measured(KaistAdaptive(), heatmap, 0 * truth)["iou"].tolist() == [0]
