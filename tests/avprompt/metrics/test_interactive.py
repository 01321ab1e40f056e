from __future__ import annotations

import numpy as np
import pytest

from avprompt.metrics.interactive import interactive_auc, interactive_iou, worst_iou

IOU = np.array([0.9, 0.6, 0.8, 0.3])
GROUPS = np.array(["b", "b", "a", "a"])


def test_the_worst_sound_of_an_image_counts() -> None:
    assert sorted(worst_iou(IOU, GROUPS).tolist()) == [0.3, 0.6]
    assert interactive_iou(IOU, GROUPS) == 0.5


def test_interactive_auc_by_hand() -> None:
    # 0.6 reaches 13 thresholds and half a step, 0.3 reaches 7 and half a step.
    assert interactive_auc(IOU, GROUPS) == pytest.approx((0.625 + 0.325) / 2)


def test_images_of_one_sound_give_the_ordinary_score() -> None:
    assert interactive_iou(IOU, np.arange(4)) == 0.75
