from __future__ import annotations

import numpy as np
import pytest

from avprompt.metrics.iou import TruthMasks
from avprompt.metrics.protocols.interactive import KaistInteractive, image_of
from avprompt.metrics.scored_maps import ScoredMaps


def test_an_image_counts_when_all_of_its_sounds_are_found() -> None:
    test = {
        "iou": np.array([0.9, 0.6, 0.8, 0.3]),
        "iou_adaptive": np.array([0.9, 0.6, 0.8, 0.7]),
        "id": np.array(["cat_dog_1_cat", "cat_dog_1_dog", "cat_dog_2_cat", "cat_dog_2_dog"]),
    }
    found = KaistInteractive().summarise(test, None)
    assert found["IIoU"] == 50
    assert found["IIoU_adaptive"] == 100
    assert found["cIoU"] == 75
    told = KaistInteractive().summarise({**test, "group": np.arange(4)}, None)
    assert told["IIoU"] == 75


def test_a_map_that_ignores_the_sound_finds_at_most_one() -> None:
    heatmap = np.zeros((1, 4, 4), dtype=np.float32)
    heatmap[0, :2] = 1 + np.arange(8).reshape(2, 4)
    truths = np.zeros((2, 4, 4), dtype=np.float32)
    truths[0, :2], truths[1, 2:] = 1, 1
    protocol = KaistInteractive()
    test = protocol.measure(ScoredMaps(np.repeat(heatmap, 2, axis=0), TruthMasks(truths), np.zeros(2)))
    found = protocol.summarise({**test, "group": np.array(["a", "a"])}, None)
    assert found["cIoU"] == pytest.approx(50)
    assert found["IIoU"] == 0


def test_the_image_of_an_is3_sample() -> None:
    names = image_of(np.array(["accordion_female_10438_accordion", "accordion_female_10438_female"]))
    assert set(names.tolist()) == {"accordion_female_10438"}
