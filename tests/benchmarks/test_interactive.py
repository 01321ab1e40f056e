"""IS3 and VPO: pairs of a picture and one of its sounds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from avprompt.errors import DataError
from avprompt_benchmarks.is3 import IS3, IS3Masks
from avprompt_benchmarks.vpo import VPOMS, VPOSS, VPOMSMasks
from layouts import kaist


def test_a_sample_is_a_picture_and_one_of_its_sounds(tmp_path: Path) -> None:
    split = IS3(kaist.is3(tmp_path)).split("test")
    assert [(sample.id, sample.group, sample.label) for sample in split.samples[:3]] == [
        ("cat_dog_17_cat", "cat_dog_17", "cat"),
        ("cat_dog_17_dog", "cat_dog_17", "dog"),
        ("sea_lion_8_sea", "sea_lion_8", "sea"),
    ]
    assert [missing.id for missing in split.missing] == ["owl_ape_3_ape"]


def test_boxes_are_pixels_truncated(tmp_path: Path) -> None:
    mask = IS3(kaist.is3(tmp_path)).split("test").samples[0].truth.mask
    expected = np.zeros((224, 224), dtype=np.float32)
    expected[20:224, 10:120] = 1
    np.testing.assert_array_equal(mask, expected)


def test_masks_can_be_scored_instead(tmp_path: Path) -> None:
    mask = IS3Masks(kaist.is3_masks(tmp_path)).split("test").samples[0].truth.mask
    expected = np.zeros((224, 224), dtype=np.float32)
    expected[16:224, 8:120] = 1
    np.testing.assert_array_equal(mask, expected)


def test_a_mask_that_is_not_there_is_missing(tmp_path: Path) -> None:
    root = kaist.vpo_ms_masks(tmp_path)
    (root / "gray_masks/000000000017_101.jpg").unlink()
    missing = VPOMSMasks(root).split("test").missing
    assert missing[0].reason == "no mask: gray_masks/000000000017_101.jpg is not there"


def test_sounds_of_one_photograph_share_a_group(tmp_path: Path) -> None:
    groups = [sample.group for sample in VPOMS(kaist.vpo_ms(tmp_path)).split("test").samples]
    assert groups == ["000000000017", "000000000017", "000000000033", "000000000044"]


def test_a_box_without_size_marks_nothing_and_stays_in(tmp_path: Path) -> None:
    annotations = VPOMS(kaist.vpo_ms(tmp_path)).annotations("test")
    assert [annotation.counts.unmarked for annotation in annotations] == [0, 0, 0, 1]
    assert VPOMS(tmp_path).split("test").expected == 4


def test_a_pair_without_a_box_is_missing(tmp_path: Path) -> None:
    listing = kaist.is3(tmp_path) / "synthetic3240_bbox.json"
    rows = json.loads(listing.read_text())
    rows[0]["gt_box"] = []
    listing.write_text(json.dumps(rows))
    split = IS3(tmp_path).split("test")
    assert [sample.id for sample in split.samples] == list(kaist.IS3[1:-1])
    assert split.missing[0].reason.startswith("synthetic3240_bbox.json: 'cat_dog_17_cat' has no box")


def test_pictures_may_be_where_the_package_has_them(tmp_path: Path) -> None:
    root = kaist.is3(tmp_path)
    (root / "visual_frames").rename(root / "images")
    assert len(IS3(root).split("test").samples) == 5


def test_training_on_a_test_set_is_told(tmp_path: Path) -> None:
    benchmark = VPOSS(kaist.vpo_ss(tmp_path))
    assert all(sample.truth is None for sample in benchmark.split("train").samples)
    assert benchmark.notes[0] == "VPO-SS is a test set: trained on its own pairs, without boxes"


@pytest.mark.parametrize("content", ["{}", '[{"image": "a"}]', "[1]"])
def test_another_json_is_not_the_listing(content: str, tmp_path: Path) -> None:
    root = kaist.is3(tmp_path)
    (root / "synthetic3240_bbox.json").write_text(content)
    if content == "{}":
        assert IS3(root).split("test").expected == 0
    else:
        with pytest.raises(DataError, match="is not a listing of pictures, sounds and boxes"):
            IS3(root).split("test")


def test_a_sound_off_screen_is_of_no_class_in_the_picture(tmp_path: Path) -> None:
    samples = IS3(kaist.is3(tmp_path)).split("test").samples
    for sample in samples:
        assert isinstance(sample.off_screen, Path) or sample.off_screen is None
        if sample.off_screen is not None:
            group, _, label = sample.off_screen.stem.rpartition("_")
            assert group != sample.group
            assert label not in sample.group.split("_")
    assert any(sample.off_screen for sample in samples)
    again = IS3(tmp_path).split("test").samples
    assert [sample.off_screen for sample in again] == [sample.off_screen for sample in samples]


def test_without_classes_there_is_no_sound_off_screen(tmp_path: Path) -> None:
    assert VPOSS(kaist.vpo_ss(tmp_path)).split("test").samples[0].off_screen is None
