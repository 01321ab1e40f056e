from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from avprompt.metrics.iou import (
    TruthMasks,
    auc,
    ciou,
    iou_at,
    iou_of,
    localisation_scores,
    overlap_at,
)
from avprompt.metrics.threshold import GRID

SHAPE = (3, 5, 7)

# Values that sit on, just below and just above a threshold are the ones that could go wrong.
on_grid = np.concatenate([GRID, np.nextafter(GRID.astype(np.float32), 0), [0.0, 1.0, 0.123]])
heatmaps_st = arrays(np.float32, SHAPE, elements=st.sampled_from(on_grid.astype(np.float32).tolist()))
truths_st = arrays(np.float32, SHAPE, elements=st.sampled_from([0.0, 0.5, 1.0]))
compare_st = st.sampled_from([np.greater_equal, np.greater])


def naive_iou(mask: np.ndarray, truth: np.ndarray) -> float:
    hit = miss = whole = 0.0
    for inside, value in zip(mask.ravel().tolist(), truth.ravel().tolist(), strict=True):
        whole += value
        hit += value if inside else 0
        miss += 1 if inside and value == 0 else 0
    return hit / (whole + miss) if whole + miss else 0.0


@given(heatmaps=heatmaps_st, truths=truths_st, compare=compare_st)
def test_the_iou_equals_that_of_comparing_with_each_threshold(
    heatmaps: np.ndarray, truths: np.ndarray, compare: np.ufunc
) -> None:
    iou = iou_at(heatmaps, TruthMasks(truths), GRID, compare)
    for k, threshold in enumerate(GRID):
        masks = compare(heatmaps, np.float32(threshold))
        naive = [naive_iou(*pair) for pair in zip(masks, truths, strict=True)]
        np.testing.assert_array_equal(iou[:, k], naive)
        np.testing.assert_array_equal(iou_of(masks, TruthMasks(truths)), naive)


HUNDREDTHS = (np.arange(101) / 100).astype(np.float32)
on_hundredths = np.concatenate(
    [HUNDREDTHS, np.nextafter(HUNDREDTHS, -1), np.nextafter(HUNDREDTHS, 2), [-0.5, 1.5, 0.123]]
)
hundredths_st = arrays(np.float32, SHAPE, elements=st.sampled_from(on_hundredths.astype(np.float32).tolist()))


@given(heatmaps=hundredths_st, truths=truths_st, compare=compare_st)
def test_the_overlap_equals_that_of_comparing_with_each_threshold(
    heatmaps: np.ndarray, truths: np.ndarray, compare: np.ufunc
) -> None:
    overlap = overlap_at(heatmaps, TruthMasks(truths), np.arange(101) / 100, compare)
    for k, threshold in enumerate(HUNDREDTHS):
        masks = compare(heatmaps, threshold)
        np.testing.assert_array_equal(overlap.hit[:, k], (masks * truths).sum(axis=(1, 2)))
        np.testing.assert_array_equal(overlap.miss[:, k], (masks & (truths == 0)).sum(axis=(1, 2)))
        np.testing.assert_allclose(overlap.marked[:, k], masks.mean(axis=(1, 2)), atol=1e-15)


@pytest.mark.parametrize("offset", [-1, 0, 2])
def test_every_threshold_itself(offset: float) -> None:
    values = HUNDREDTHS if not offset else np.nextafter(HUNDREDTHS, np.float32(offset))
    nothing = TruthMasks(np.zeros((1, 1, 101), dtype=np.float32))
    for compare in (np.greater_equal, np.greater):
        miss = overlap_at(values.reshape(1, 1, -1), nothing, HUNDREDTHS, compare).miss
        np.testing.assert_array_equal(miss[0], compare(values[:, None], HUNDREDTHS).sum(0))


def test_many_uneven_thresholds_in_any_order() -> None:
    heatmaps = np.random.default_rng(0).random(SHAPE, dtype=np.float32)
    uneven = np.random.default_rng(1).permutation(np.linspace(0, 1, 60) ** 3)
    miss = overlap_at(heatmaps, TruthMasks(np.zeros(SHAPE)), uneven).miss
    in_turn = [(heatmaps >= np.float32(threshold)).sum(axis=(1, 2)) for threshold in uneven]
    np.testing.assert_array_equal(miss.T, in_turn)


def test_many_thresholds_do_not_overflow() -> None:
    heatmaps = np.linspace(0, 1, 64, dtype=np.float32).reshape(1, 8, 8)
    overlap = overlap_at(heatmaps, TruthMasks(np.ones((1, 8, 8))), np.linspace(0, 1, 300))
    assert overlap.hit[0, 0] == 64
    assert overlap.hit[0, -1] == 1
    assert not overlap.miss.any()


def test_what_is_not_a_number_reaches_no_threshold() -> None:
    heatmaps = np.full((1, 2, 2), np.nan, dtype=np.float32)
    assert not overlap_at(heatmaps, TruthMasks(np.ones((1, 2, 2))), GRID).marked.any()


def test_iou_by_hand() -> None:
    heatmap = np.array([[[0.9, 0.6], [0.5, 0.1]]], dtype=np.float32)
    truth = np.array([[[1, 0], [1, 0]]], dtype=np.float32)
    iou = iou_at(heatmap, TruthMasks(truth), np.array([0.05, 0.5, 0.6, 0.9, 0.95]))
    assert iou.tolist() == [[2 / 4, 2 / 3, 1 / 3, 1 / 2, 0]]


def test_fractions_of_a_consensus_map_weigh_numerator_and_denominator() -> None:
    truth = TruthMasks(np.array([[[1, 0.5], [0, 0]]]))
    mask = np.array([[[False, True], [True, False]]])
    assert iou_of(mask, truth).tolist() == [0.5 / (1.5 + 1)]


def test_empty_truth_scores_zero_whatever_is_marked() -> None:
    truth = TruthMasks(np.zeros((2, 2, 2)))
    mask = np.stack([np.ones((2, 2), bool), np.zeros((2, 2), bool)])
    assert iou_of(mask, truth).tolist() == [0, 0]


def test_nothing_marked_where_nothing_is_scores_zero_and_stays_a_number() -> None:
    nothing = np.zeros((1, 2, 2))
    iou = iou_of(nothing, TruthMasks(nothing))
    assert iou[0] == 0
    assert localisation_scores(iou)["mean_IoU"] == 0


def test_truths_say_whether_they_hold_fractions() -> None:
    whole, fractions = TruthMasks(np.array([[[1.0, 0]]])), TruthMasks(np.array([[[1.0, 0.5]]]))
    assert (whole.binary, fractions.binary) == (True, False)
    assert (whole.area.tolist(), fractions.area.tolist()) == ([1], [1.5])
    assert whole.foreground is whole
    assert fractions.foreground.values.tolist() == [[[1, 1]]]


def test_ciou_counts_the_threshold_itself() -> None:
    assert ciou(np.array([0.5, 0.49, 1.0, 0.0])) == 0.5


def test_auc_by_hand() -> None:
    # The thresholds 0..0.5 are reached, the half step after 0.5 falls to zero.
    assert auc(np.array([0.5])) == pytest.approx(0.525)
    assert auc(np.array([1.0, 0.0])) == pytest.approx((1 + 0.025) / 2)


def test_auc_of_all_is_the_mean_of_the_auc_of_each() -> None:
    iou = np.random.default_rng(0).random((50, 3))
    of_samples = np.stack([auc(row[None]) for row in iou])
    np.testing.assert_allclose(auc(iou), of_samples.mean(axis=0))


def test_scores_are_in_percent() -> None:
    assert localisation_scores(np.array([1.0, 0.0])) == pytest.approx(
        {"cIoU": 50, "AUC": 51.25, "mean_IoU": 50}
    )


def test_golden_iou_of_each_sample(golden_ten: SimpleNamespace) -> None:
    iou = iou_at(golden_ten.heatmap, TruthMasks(golden_ten.gt), np.array([0.5]))[:, 0]
    np.testing.assert_allclose(iou, golden_ten.iou_at_half, rtol=0, atol=1e-7)
