from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from avprompt.metrics.iou import (
    auc,
    iou_by_threshold,
    iou_of,
    levels_of,
    localisation_scores,
    overlap,
    success,
)

GRID = np.arange(1, 20) / 20
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
def test_one_pass_equals_comparing_with_each_threshold(
    heatmaps: np.ndarray, truths: np.ndarray, compare: np.ufunc
) -> None:
    found = iou_by_threshold(heatmaps, truths, GRID, compare)
    for k, threshold in enumerate(GRID):
        masks = compare(heatmaps, np.float32(threshold))
        naive = [naive_iou(*pair) for pair in zip(masks, truths, strict=True)]
        np.testing.assert_array_equal(found[:, k], naive)
        np.testing.assert_array_equal(iou_of(masks, truths), naive)


MANY = np.arange(101) / 100
on_many = np.concatenate(
    [MANY, np.nextafter(MANY.astype(np.float32), 0), np.nextafter(MANY.astype(np.float32), 1)]
)
many_st = arrays(
    np.float32, SHAPE, elements=st.sampled_from([*on_many.astype(np.float32).tolist(), -0.5, 1.5, 0.123])
)


@given(heatmaps=many_st, compare=compare_st)
def test_many_even_thresholds_are_passed_as_each_in_turn(heatmaps: np.ndarray, compare: np.ufunc) -> None:
    in_turn = sum(compare(heatmaps, np.float32(threshold)).astype(int) for threshold in MANY)
    np.testing.assert_array_equal(levels_of(heatmaps, MANY, compare), in_turn)


def test_many_uneven_thresholds_are_passed_as_each_in_turn() -> None:
    heatmaps = np.random.default_rng(0).random(SHAPE, dtype=np.float32)
    uneven = np.linspace(0, 1, 60) ** 3
    in_turn = sum((heatmaps >= np.float32(threshold)).astype(int) for threshold in uneven)
    np.testing.assert_array_equal(levels_of(heatmaps, uneven), in_turn)


def test_many_thresholds_do_not_overflow() -> None:
    heatmaps = np.linspace(0, 1, 64, dtype=np.float32).reshape(1, 8, 8)
    hit, miss = overlap(levels_of(heatmaps, np.linspace(0, 1, 300)), np.ones((1, 8, 8)), 300)
    assert hit[0, 0] == 64
    assert hit[0, -1] == 1
    assert not miss.any()


def test_iou_by_hand() -> None:
    heatmap = np.array([[[0.9, 0.6], [0.5, 0.1]]], dtype=np.float32)
    truth = np.array([[[1, 0], [1, 0]]], dtype=np.float32)
    assert iou_by_threshold(heatmap, truth, np.array([0.05, 0.5, 0.6, 0.9, 0.95])).tolist() == [
        [2 / 4, 2 / 3, 1 / 3, 1 / 2, 0]
    ]


def test_fractions_of_a_consensus_map_weigh_numerator_and_denominator() -> None:
    truth = np.array([[[1, 0.5], [0, 0]]])
    mask = np.array([[[False, True], [True, False]]])
    assert iou_of(mask, truth).tolist() == [0.5 / (1.5 + 1)]


def test_empty_truth_scores_zero_whatever_is_marked() -> None:
    truth = np.zeros((2, 2, 2))
    mask = np.stack([np.ones((2, 2), bool), np.zeros((2, 2), bool)])
    assert iou_of(mask, truth).tolist() == [0, 0]


def test_thresholds_must_rise() -> None:
    with pytest.raises(ValueError, match="thresholds must rise"):
        iou_by_threshold(np.zeros((1, 2, 2)), np.zeros((1, 2, 2)), np.array([0.5, 0.4]))


def test_success_counts_the_bar_itself() -> None:
    assert success(np.array([0.5, 0.49, 1.0, 0.0])) == 0.5


def test_auc_by_hand() -> None:
    # The bars 0..0.5 are cleared, the half step after 0.5 falls to zero.
    assert auc(np.array([0.5])) == pytest.approx(0.525)
    assert auc(np.array([1.0, 0.0])) == pytest.approx((1 + 0.025) / 2)


def test_auc_of_all_is_the_mean_of_the_auc_of_each() -> None:
    iou = np.random.default_rng(0).random((50, 3))
    each = np.stack([auc(row[None]) for row in iou])
    np.testing.assert_allclose(auc(iou), each.mean(axis=0))


def test_scores_are_in_percent() -> None:
    assert localisation_scores(np.array([1.0, 0.0])) == pytest.approx(
        {"cIoU": 50, "AUC": 51.25, "mean_IoU": 50}
    )


def test_golden_iou_of_each_sample(golden_ten: SimpleNamespace) -> None:
    iou = iou_by_threshold(golden_ten.heatmap, golden_ten.gt, np.array([0.5]))[:, 0]
    np.testing.assert_allclose(iou, golden_ten.iou_at_half, rtol=0, atol=1e-7)
