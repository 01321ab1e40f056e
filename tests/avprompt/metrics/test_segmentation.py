from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from avprompt.metrics.iou import TruthMasks
from avprompt.metrics.segmentation import F_THRESHOLDS, batch_means, best_f, f_by_threshold, frame_iou

HALF = np.array([0.5])


def test_frame_iou_by_hand() -> None:
    heatmap = np.array([[[0.9, 0.6], [0.5, 0.1]]], dtype=np.float32)
    truth = np.array([[[1, 0], [1, 0]]], dtype=np.float32)
    assert frame_iou(heatmap, TruthMasks(truth), HALF)[0, 0] == pytest.approx(1 / 3), "0.5 itself is outside"


def test_an_empty_frame_rewards_an_empty_mask() -> None:
    empty = TruthMasks(np.zeros((1, 2, 2)))
    assert frame_iou(np.full((1, 2, 2), 0.1), empty, HALF)[0, 0] == pytest.approx(1)
    heatmap = np.array([[[0.9, 0.1], [0.1, 0.1]]])
    assert frame_iou(heatmap, empty, HALF)[0, 0] == pytest.approx(3 / 4)


def test_f_weighs_precision() -> None:
    heatmap = np.array([[[0.8, 0.8], [0.0, 0.0]]], dtype=np.float32)
    truth = np.array([[[1, 0], [0, 0]]], dtype=np.float32)
    f = f_by_threshold(heatmap, TruthMasks(truth))
    assert f.shape == (1, 255)
    assert f[0, 0] == pytest.approx(1.3 * 0.25 / (0.3 * 0.25 + 1)), "everything reaches 0"
    assert f[0, 100] == pytest.approx(1.3 * 0.5 / (0.3 * 0.5 + 1))
    assert f[0, -1] == 0, "nothing reaches 1"
    assert F_THRESHOLDS.astype(np.float32)[-1] == 1


def test_frames_without_foreground_have_no_f() -> None:
    truths = TruthMasks(np.stack([np.zeros((2, 2)), np.ones((2, 2))]))
    f = f_by_threshold(np.full((2, 2, 2), 0.5), truths)
    assert np.isnan(f[0]).all()
    assert best_f(f) == pytest.approx(1)
    assert math.isnan(best_f(f[:1]))


def test_grey_masks_are_foreground_where_above_zero() -> None:
    heatmap = np.ones((1, 2, 2))
    assert frame_iou(heatmap, TruthMasks(np.full((1, 2, 2), 0.2)), HALF)[0, 0] == pytest.approx(1)


def test_smaller_batches_score_a_higher_f() -> None:
    """The official F is best within a batch, so it grows as batches shrink: numbers do not compare."""
    f = np.random.default_rng(0).random((40, 255))
    best = [batch_means(np.zeros(40), f, size)[1] for size in (1, 5, 20, 40)]
    assert best == sorted(best, reverse=True)
    assert best[-1] == best_f(f)


def test_a_short_last_batch_weighs_as_much_as_a_full_one() -> None:
    iou, _ = batch_means(np.array([1.0, 1.0, 1.0, 0.0]), np.ones((4, 255)), 3)
    assert iou == 0.5


def test_a_batch_without_foreground_counts_as_an_f_of_0() -> None:
    """As in the official evaluator, which averages it in; `best_f` over all frames leaves such frames out."""
    f = np.concatenate([np.full((2, 255), np.nan), np.ones((2, 255))])
    assert batch_means(np.ones(4), f, 2) == (1.0, 0.5)
    assert batch_means(np.ones(2), f[:2], 2) == (1.0, 0.0)
    assert best_f(f) == 1


def test_golden_subset_equals_a_plain_restatement(golden_ten: SimpleNamespace) -> None:
    heatmaps, truths = golden_ten.heatmap, golden_ten.gt_avsbench
    masks = TruthMasks(truths)
    iou, f = frame_iou(heatmaps, masks, HALF)[:, 0], f_by_threshold(heatmaps, masks)
    for k, (heatmap, truth) in enumerate(zip(heatmaps, truths, strict=True)):
        mask = heatmap > 0.5
        if not truth.any():
            assert iou[k] == pytest.approx((~mask).mean(), abs=1e-9)
            continue
        assert iou[k] == pytest.approx((mask & (truth > 0)).sum() / (mask | (truth > 0)).sum(), abs=1e-9)
        for place in (0, 60, 127, 254):
            mask = heatmap >= np.float32(F_THRESHOLDS[place])
            hit = (mask & (truth > 0)).sum()
            precision, recall = hit / max(mask.sum(), 1), hit / truth.sum()
            expected = 1.3 * precision * recall / (0.3 * precision + recall) if hit else 0
            assert f[k, place] == pytest.approx(expected)
