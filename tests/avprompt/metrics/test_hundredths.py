from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from avprompt.metrics.hundredths import CUTS, tally
from avprompt.metrics.iou import iou_by_threshold

SHAPE = (2, 5, 7)
SINGLE = CUTS.astype(np.float32)

# Values that sit on, just below and just above a cut are the ones that could go wrong.
critical = np.concatenate([SINGLE, np.nextafter(SINGLE, -1), np.nextafter(SINGLE, 2), [-0.5, 1.5, 0.123]])
heatmaps_st = arrays(np.float32, SHAPE, elements=st.sampled_from(critical.astype(np.float32).tolist()))
truths_st = arrays(np.float32, SHAPE, elements=st.sampled_from([0.0, 0.5, 1.0]))


@given(heatmaps=heatmaps_st, truths=truths_st)
def test_equals_comparing_with_each_cut(heatmaps: np.ndarray, truths: np.ndarray) -> None:
    found = tally(heatmaps, truths)
    for side, compare in enumerate((np.greater_equal, np.greater)):
        for k, cut in enumerate(SINGLE):
            masks = compare(heatmaps, cut)
            np.testing.assert_array_equal(found.hit[side, :, k], (masks * truths).sum(axis=(1, 2)))
            np.testing.assert_array_equal(found.miss[side, :, k], (masks & (truths == 0)).sum(axis=(1, 2)))
            np.testing.assert_allclose(found.marked[side, :, k], masks.mean(axis=(1, 2)), atol=1e-15)
        np.testing.assert_array_equal(found.iou[side], iou_by_threshold(heatmaps, truths, CUTS, compare))


@pytest.mark.parametrize("offset", [-1, 0, 2])
def test_every_cut_itself(offset: float) -> None:
    values = SINGLE if not offset else np.nextafter(SINGLE, np.float32(offset))
    found = tally(values.reshape(1, 1, -1), np.zeros((1, 1, 101), dtype=np.float32))
    reached, exceeded = ((values[:, None] >= SINGLE).sum(0), (values[:, None] > SINGLE).sum(0))
    np.testing.assert_array_equal(found.miss[:, 0], [reached, exceeded])
