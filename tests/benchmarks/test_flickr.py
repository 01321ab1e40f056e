"""SoundNet-Flickr: the consensus of annotators, layouts, and the mistyped id."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from avprompt.errors import DataError
from avprompt_benchmarks.consensus import Consensus, read_annotators
from avprompt_benchmarks.flickr import Flickr
from layouts.flickr import AGREED, ALONE, BROKEN, ODD, TYPO, flickr, xml

SQUARE = (64, 64, 128, 128)


def test_consensus_is_half_where_one_marked_and_whole_where_two_did() -> None:
    truth = Consensus([[SQUARE], [SQUARE], [(96, 64, 160, 128)]]).truth()
    expected = np.zeros((224, 224), dtype=np.float32)
    expected[56:112, 56:112] = 1  # two, and in the right half three
    expected[56:112, 112:140] = 0.5
    np.testing.assert_array_equal(truth.mask, expected)


def test_an_annotator_counts_once() -> None:
    assert Consensus([[SQUARE, SQUARE], []]).truth().mask.max() == 0.5


def test_no_annotator_marks_nothing() -> None:
    for annotators in ([], [[]], [[(9, 9, 9, 99)]]):
        truth = Consensus(annotators).truth()
        assert not truth.mask.any()
        assert truth.sources == 0


def test_the_sources_are_those_of_whoever_saw_most() -> None:
    assert Consensus([[SQUARE], [SQUARE, (0, 0, 9, 9)], []]).truth().sources == 2


def test_xml_is_read_by_place_and_only_from_bbox(tmp_path: Path) -> None:
    path = xml(tmp_path / "1.xml", [[SQUARE], []], extra="<note><a>1</a></note>")
    assert read_annotators(path).annotators == (((64, 64, 128, 128),), ())


XML = [
    f"<a><b><bbox><n/>{corners}</bbox></b></a>"
    for corners in ("<x>1</x><y>q</y>", "<x>1</x><y>1</y>", "<x>1</x><y>1</y><x>inf</x><y>9</y>")
] + ['<?xml version="1.0" encoding="nothing"?><a/>']


@pytest.mark.parametrize("content", ["<annotation>", "", *XML])
def test_broken_xml_is_named(content: str, tmp_path: Path) -> None:
    (tmp_path / "7.xml").write_text(content)
    with pytest.raises(DataError, match=r"7\.xml' cannot be read"):
        read_annotators(tmp_path / "7.xml")


@pytest.mark.parametrize(
    ("box", "problem"),
    [
        ((300, 200, 500, 400), "(300, 200, 500, 400) has no part in the picture, which is 256 x 256"),
        ((-20, 5, 0, 60), "(-20, 5, 0, 60) has no part in the picture"),
        ((0, 0, 1, 1), "(0, 0, 1, 1) is smaller than a pixel; these look like fractions of the picture"),
    ],
)
def test_a_box_of_which_nothing_is_seen_is_named(
    box: tuple[int, int, int, int], problem: str, tmp_path: Path
) -> None:
    path = xml(tmp_path / "7.xml", [[SQUARE], [box]])
    with pytest.raises(DataError, match=rf"7\.xml' cannot be read \(annotator1: a box {re.escape(problem)}"):
        read_annotators(path)


def test_a_box_that_leaves_the_picture_is_clipped(tmp_path: Path) -> None:
    mask = read_annotators(xml(tmp_path / "7.xml", [[(192, -9, 300, 64)]])).truth().mask
    assert mask[:56, 168:].all()
    assert mask.sum() == 56 * 56 / 2


@pytest.mark.parametrize("folder", ["", "test", "Test", "Dataset"])
def test_every_layout_is_read(folder: str, tmp_path: Path) -> None:
    split = Flickr(flickr(tmp_path, folder)).split("test")
    assert [sample.id for sample in split.samples] == [AGREED, ALONE, ODD]
    assert all(f"{folder}/frames".lstrip("/") in str(sample.image) for sample in split.samples)
    assert [missing.id for missing in split.missing] == [BROKEN, TYPO]


def test_the_package_keeps_pictures_and_sounds_in_one_folder(tmp_path: Path) -> None:
    root = flickr(tmp_path, "Dataset")
    (root / "Dataset/Data").mkdir()
    for folder in ("frames", "audio"):
        for path in (root / "Dataset" / folder).iterdir():
            path.rename(root / "Dataset/Data" / path.name)
    assert len(Flickr(root).split("test").samples) == 3


def test_the_mistyped_id_is_explained(tmp_path: Path) -> None:
    missing = Flickr(flickr(tmp_path)).split("test").missing
    assert missing[1].reason == "the list mistypes 3908875357; no clip has this id"


def test_truths_have_three_values(tmp_path: Path) -> None:
    truths = {sample.id: sample.truth for sample in Flickr(flickr(tmp_path)).split("test").samples}
    assert set(np.unique(truths[AGREED].mask)) == {0, 0.5, 1}
    assert set(np.unique(truths[ALONE].mask)) == {0, 0.5}
    assert truths[ALONE].mask[:112].all()
    assert not truths[ALONE].mask[112:].any()


def test_annotations_count_boxes_of_all_annotators(tmp_path: Path) -> None:
    annotations = Flickr(flickr(tmp_path)).annotations("test")
    counts = {annotation.id: annotation.counts for annotation in annotations}
    assert (counts[AGREED].boxes, counts[ODD].boxes, counts[ODD].degenerate) == (3, 3, 1)


def test_training_frames_are_files_or_the_first_in_a_folder(tmp_path: Path) -> None:
    split = Flickr(flickr(tmp_path, "test")).split("train-10k")
    names = [sample.image.name for sample in split.samples if isinstance(sample.image, Path)]
    assert names == ["0009.jpg", "0001.jpg", "6000.jpg"]
    assert split.samples[0].label == "race car, auto racing"


def test_numbers_of_classes_are_no_labels(tmp_path: Path) -> None:
    labels = {sample.id: sample.label for sample in Flickr(flickr(tmp_path)).split("test").samples}
    assert labels == {AGREED: "", ALONE: "dog barking", ODD: ""}


def test_a_list_is_needed(tmp_path: Path) -> None:
    root = flickr(tmp_path)
    (root / "flickr_test.csv").unlink()
    with pytest.raises(DataError, match=r"no flickr_test.csv"):
        Flickr(root).split("test")
