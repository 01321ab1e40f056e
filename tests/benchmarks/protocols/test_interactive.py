from __future__ import annotations

import numpy as np
import pytest

from avprompt.metrics.iou import TruthMasks
from avprompt.metrics.scored_maps import ScoredMaps
from avprompt.records import GroundTruth
from avprompt_benchmarks.protocols.interactive import (
    KaistInteractive,
    image_of,
    interactive_auc,
    interactive_iou,
    worst_iou,
)

IOU = np.array([0.9, 0.6, 0.8, 0.3])
GROUPS = np.array(["b", "b", "a", "a"])


def test_an_image_counts_when_all_of_its_sounds_are_found() -> None:
    test = {
        "iou": np.array([0.9, 0.6, 0.8, 0.3]),
        "iou_adaptive": np.array([0.9, 0.6, 0.8, 0.7]),
        "id": np.array(["cat_dog_1_cat", "cat_dog_1_dog", "cat_dog_2_cat", "cat_dog_2_dog"]),
    }
    scores = KaistInteractive().summarise(test, None)
    assert scores["IIoU"] == 50
    assert scores["IIoU_adaptive"] == 100
    assert scores["cIoU"] == 75
    by_sample = KaistInteractive().summarise({**test, "group": np.arange(4)}, None)
    assert by_sample["IIoU"] == 75


def test_an_image_counts_once_at_its_first_sound() -> None:
    test = {"iou": IOU, "iou_adaptive": IOU, "group": GROUPS, "id": np.array(["p", "q", "r", "s"])}
    rows = KaistInteractive().per_sample(test, None)["IIoU"]
    np.testing.assert_array_equal(rows, [1, np.nan, 0, np.nan])
    assert KaistInteractive().summarise(test, None)["IIoU"] == 100 * np.nanmean(rows)


def test_the_same_guess_for_every_sound_is_the_floor() -> None:
    top, bottom = np.zeros((2, 4, 4), np.float32)
    top[:2], bottom[2] = 1, 1
    columns = {"id": np.array(["p", "q"]), "group": np.array(["a", "a"])}
    floors = KaistInteractive().floors([GroundTruth(top), GroundTruth(bottom)], columns)
    assert floors["whole-image"]["cIoU"] == 50, "half of the image is one of the sounds"
    assert floors["whole-image"]["IIoU"] == 0, "it does not find the other"
    assert floors["whole-image"]["mean_IoU"] == pytest.approx(37.5)


def test_a_map_that_ignores_the_sound_finds_at_most_one() -> None:
    heatmap = np.zeros((1, 4, 4), dtype=np.float32)
    heatmap[0, :2] = 1 + np.arange(8).reshape(2, 4)
    truths = np.zeros((2, 4, 4), dtype=np.float32)
    truths[0, :2], truths[1, 2:] = 1, 1
    protocol = KaistInteractive()
    test = protocol.measure(ScoredMaps(np.repeat(heatmap, 2, axis=0), TruthMasks(truths), np.zeros(2)))
    scores = protocol.summarise({**test, "group": np.array(["a", "a"])}, None)
    assert scores["cIoU"] == pytest.approx(50)
    assert scores["IIoU"] == 0


def test_the_image_of_an_is3_sample() -> None:
    names = image_of(np.array(["accordion_female_10438_accordion", "accordion_female_10438_female"]))
    assert set(names.tolist()) == {"accordion_female_10438"}


def test_the_worst_sound_of_an_image_counts() -> None:
    assert sorted(worst_iou(IOU, GROUPS).tolist()) == [0.3, 0.6]
    assert interactive_iou(IOU, GROUPS) == 0.5


def test_interactive_auc_by_hand() -> None:
    # 0.6 reaches 13 thresholds and half a step, 0.3 reaches 7 and half a step.
    assert interactive_auc(IOU, GROUPS) == pytest.approx((0.625 + 0.325) / 2)


def test_images_of_one_sound_give_the_ordinary_score() -> None:
    assert interactive_iou(IOU, np.arange(4)) == 0.75
