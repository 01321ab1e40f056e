"""VGG-SS: official files with their defects, heard and unheard classes, training lists."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from avprompt.data.media import read_audio, read_image
from avprompt.errors import DataError
from avprompt_benchmarks.openset import Heard, OpenSet, Unheard
from avprompt_benchmarks.vggss import VGGSS
from layouts.vggss import ABSENT, EMPTY, GARBAGE, KAIST, STEREO, TWO, UNKNOWN, openset, vggss


@pytest.fixture
def benchmark_(tmp_path: Path) -> VGGSS:
    return VGGSS(vggss(tmp_path))


def rectangle(left: int, top: int, right: int, bottom: int) -> np.ndarray:
    mask = np.zeros((224, 224), dtype=np.float32)
    mask[top:bottom, left:right] = 1
    return mask


def test_every_listed_clip_is_there_or_missing_with_its_reason(benchmark_: VGGSS) -> None:
    split = benchmark_.split("test")
    assert [sample.id for sample in split.samples] == [TWO, GARBAGE, EMPTY, STEREO, KAIST]
    assert {missing.id: missing.reason for missing in split.missing} == {
        ABSENT: f"no picture: frames/{ABSENT}.jpg is not there",
        UNKNOWN: "vggss.json has no annotation of it",
        TWO: "the list names it twice",
    }
    assert split.expected == 8
    assert "test: the list names 8 samples, the official one 5158" in benchmark_.notes


def test_truths_follow_the_loader_rule(benchmark_: VGGSS) -> None:
    truths = {sample.id: sample.truth for sample in benchmark_.split("test").samples}
    np.testing.assert_array_equal(truths[TWO].mask, rectangle(56, 56, 168, 112))
    np.testing.assert_array_equal(truths[GARBAGE].mask, rectangle(0, 0, 112, 224))
    np.testing.assert_array_equal(truths[STEREO].mask, rectangle(0, 22, 224, 201))
    assert truths[TWO].sources == 2


def test_a_sample_without_a_whole_box_stays_in(benchmark_: VGGSS) -> None:
    truth = {sample.id: sample.truth for sample in benchmark_.split("test").samples}[EMPTY]
    assert not truth.mask.any()
    assert truth.sources == 0


def test_annotations_need_no_media_and_count_what_is_broken(tmp_path: Path) -> None:
    root = vggss(tmp_path)
    for folder in ("frames", "audio"):
        (root / folder).rename(root / f"not-{folder}")
    counts = {annotation.id: annotation.counts for annotation in VGGSS(root).annotations("test")}
    assert set(counts) == {TWO, GARBAGE, EMPTY, STEREO, KAIST, ABSENT}
    assert sum(boxes.boxes for boxes in counts.values()) == 10 - 1
    assert [(counts[name].garbage, counts[name].degenerate) for name in (GARBAGE, EMPTY)] == [(1, 1), (1, 2)]
    assert [name for name, boxes in counts.items() if boxes.unmarked] == [EMPTY]


def test_labels_come_from_the_annotation(benchmark_: VGGSS) -> None:
    labels = {sample.id: sample.label for sample in benchmark_.split("test").samples}
    assert labels[STEREO] == "female speech, woman speaking"


def test_grey_pictures_and_other_sounds_are_read(benchmark_: VGGSS) -> None:
    sample = next(sample for sample in benchmark_.split("test").samples if sample.id == STEREO)
    assert read_image(sample.image).shape == (48, 80, 3)
    assert read_audio(sample.audio, 16000, 10).shape == (160_000,)


def test_other_repositories_files_are_found(benchmark_: VGGSS) -> None:
    sample = next(sample for sample in benchmark_.split("test").samples if sample.id == KAIST)
    assert isinstance(sample.image, Path)
    assert sample.image.name == "image_050.jpg"


def test_without_a_list_all_annotated_clips_are_scored(tmp_path: Path) -> None:
    root = vggss(tmp_path)
    (root / "vggss_test.csv").unlink()
    assert VGGSS(root).split("test").expected == 6


@pytest.mark.parametrize(
    ("bbox", "reason"),
    [
        ("[]", "has no box"),
        ("[[12, 30, 300, 200]]", "these look like pixels"),
        ("[[0, 0, 1e999, 1]]", "not four finite numbers"),
        (f"[[0, 0, {10**400}, 1]]", "holds no boxes"),
        ("[[0.5, 0.2, 0.3, 0.4]]", "these look like x, y, width and height"),
    ],
)
def test_a_clip_of_unreadable_boxes_is_missing_with_the_reason(
    bbox: str, reason: str, tmp_path: Path
) -> None:
    root = vggss(tmp_path)
    names = ((TWO, bbox), (KAIST, "[[0, 0, 1, 0.5]]"))
    entries = [f'{{"file": "{name}", "class": "cat", "bbox": {boxes}}}' for name, boxes in names]
    (root / "vggss.json").write_text(f"[{', '.join(entries)}]")
    split = VGGSS(root).split("test")
    assert [sample.id for sample in split.samples] == [KAIST]
    assert f"vggss.json: '{TWO}'" in split.missing[0].reason
    assert reason in split.missing[0].reason


def test_a_clip_that_is_annotated_twice_is_named(tmp_path: Path) -> None:
    root = vggss(tmp_path)
    names = (TWO, f"{TWO[:11]}_30000_40000")
    entries = [{"file": name, "class": "cat", "bbox": [[0, 0, 1, 0.5]]} for name in names]
    (root / "vggss.json").write_text(json.dumps(entries))
    with pytest.raises(DataError, match=rf"vggss\.json' annotates '{TWO}' twice"):
        VGGSS(root).split("test")


@pytest.mark.parametrize("content", ["{}", '[{"file": "x"}]', "[1]", "{"])
def test_another_json_is_not_the_annotation(content: str, tmp_path: Path) -> None:
    root = vggss(tmp_path)
    (root / "vggss.json").write_text(content)
    if content == "{}":
        (root / "vggss_test.csv").unlink()
        assert VGGSS(root).split("test").expected == 0
    else:
        with pytest.raises(DataError, match=r"vggss\.json' (is not|cannot be read)"):
            VGGSS(root).split("test")


def test_train_is_the_first_list_there_and_is_not_annotated(benchmark_: VGGSS) -> None:
    split = benchmark_.split("train")
    assert [sample.id for sample in split.samples] == [TWO, STEREO, GARBAGE]
    assert all(sample.truth is None for sample in split.samples)


def test_test_clips_in_a_training_list_are_told(benchmark_: VGGSS) -> None:
    benchmark_.split("train-10k")
    benchmark_.split("train")
    notes = [note for note in benchmark_.notes if "training list" in note]
    assert notes == ["4 of 8 clips of 'test' are in the training list vggss_10k.txt"]


def test_a_list_can_be_named_in_the_root_or_by_its_path(benchmark_: VGGSS, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("kaistids_aa_7000_17000\n")
    for name in ("mine.txt", str(tmp_path / "mine.txt")):
        assert [sample.id for sample in benchmark_.split(name).samples] == [KAIST]


def test_vggsounds_own_csv_is_a_training_list(benchmark_: VGGSS, tmp_path: Path) -> None:
    text = f'{TWO[:11]},30,"rowboat, canoe",test\n{KAIST[:11]},7,dog barking,train\n'
    (tmp_path / "vggsound.csv").write_text(text)
    assert [(sample.id, sample.label) for sample in benchmark_.split("vggsound.csv").samples] == [
        (TWO, "rowboat, canoe"),
        (KAIST, "dog barking"),
    ]
    assert "3 of 8 clips of 'test' are in the training list vggsound.csv" in benchmark_.notes


def test_lists_of_other_clips_are_refused(benchmark_: VGGSS, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text(f"{TWO[:11]}\n")
    with pytest.raises(DataError, match=rf"mine\.txt' has a picture: .* such as '{TWO[:11]}', .* such as '"):
        benchmark_.split("mine.txt")
    (tmp_path / "vggss_test.csv").write_text(f"{TWO[:11]},dog\n")
    with pytest.raises(
        DataError, match=rf"vggss_test\.csv' has an annotation: .* such as '{TWO[:11]}', .*'{TWO}'"
    ):
        benchmark_.split("test")


def test_a_list_that_is_not_there_is_named(benchmark_: VGGSS) -> None:
    with pytest.raises(DataError, match=r"no vggss_144k.txt or vggss_144k.csv for 'train-144k'"):
        benchmark_.split("train-144k")
    with pytest.raises(DataError, match=r"no list 'other.csv'"):
        benchmark_.split("other.csv")
    with pytest.raises(DataError, match=r"no split 'train-10'. Did you mean 'train-10k'"):
        benchmark_.split("train-10")


def test_without_a_list_training_is_on_test_clips_unlabelled(tmp_path: Path) -> None:
    root = vggss(tmp_path)
    (root / "vggss_10k.txt").unlink()
    benchmark_ = VGGSS(root)
    split = benchmark_.split("train")
    assert [sample.id for sample in split.samples] == [TWO, GARBAGE, EMPTY, STEREO, KAIST]
    assert all(sample.truth is None for sample in split.samples)
    assert any("trained on the test clips themselves" in note for note in benchmark_.notes)


def test_heard_and_unheard_have_their_own_lists(tmp_path: Path) -> None:
    root = openset(tmp_path)
    assert [sample.id for sample in Heard(root).split("heard").samples] == [TWO, EMPTY]
    unheard = Unheard(root).split("unheard")
    assert [sample.id for sample in unheard.samples] == [GARBAGE, KAIST]
    assert [missing.id for missing in unheard.missing] == [ABSENT]
    assert OpenSet.test_splits == ("heard", "unheard")
    assert (Heard.test_splits, Unheard.test_splits) == (("heard",), ("unheard",))


def test_open_sets_train_on_heard_classes_alone(tmp_path: Path) -> None:
    root = openset(tmp_path)
    assert [sample.id for sample in Unheard(root).split("train").samples] == [TWO, EMPTY]
    (root / "vggss_heard.txt").unlink()
    assert [sample.id for sample in Unheard(root).split("train").samples] == [TWO, EMPTY]


def test_an_open_set_needs_its_list(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no vggss_heard_test.csv"):
        Heard(vggss(tmp_path)).split("heard")
