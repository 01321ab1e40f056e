"""Anyone's own clips: videos, pairs, masks, boxes, lists."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from avprompt.data.media import read_image
from avprompt.errors import DataError
from avprompt.plugin import VIDEO_SUFFIXES
from avprompt.records import Frame
from avprompt_benchmarks.folder import Folder
from layouts.folder import folder, unmarked
from layouts.media import picture, sound, video
from mediafiles import save_video


def test_clips_with_a_mask_or_boxes_are_scored(tmp_path: Path) -> None:
    split = Folder(folder(tmp_path)).split("test")
    assert [(sample.id, sample.label) for sample in split.samples] == [
        ("drum", "playing drums"),
        ("parrot", "parrot talking"),
    ]
    drum, parrot = (sample.truth for sample in split.samples)
    assert drum.mask[:112, :112].all()
    assert drum.mask[112:, 112:].all()
    assert drum.mask.sum() == 2 * 112 * 112
    assert drum.sources == 2
    np.testing.assert_array_equal(parrot.mask[:, :112], 1)
    assert parrot.mask.sum() == 112 * 224


def test_methods_train_on_all_clips(tmp_path: Path) -> None:
    split = Folder(folder(tmp_path)).split("train")
    assert [sample.id for sample in split.samples] == ["drum", "parrot", "sea"]
    assert all(sample.truth is None for sample in split.samples)


def test_a_video_gives_its_middle_frame_and_its_sound(tmp_path: Path) -> None:
    sample = Folder(folder(tmp_path)).split("train").samples[1]
    assert sample.image == Frame(tmp_path / "parrot.mp4", 12, 25)
    assert sample.audio == tmp_path / "parrot.mp4"
    assert read_image(sample.image).mean() == pytest.approx(48, abs=4)


def test_the_frame_of_a_long_video_lies_in_the_part_that_is_heard(tmp_path: Path) -> None:
    video(tmp_path / "long.mp4", frames=24, rate=2)
    assert Folder(tmp_path).split("train").samples[0].image == Frame(tmp_path / "long.mp4", 125, 25)


def test_the_frame_is_counted_from_the_first_picture_and_its_length_alone(tmp_path: Path) -> None:
    save_video(tmp_path / "cut.mkv", start=30.0, heard=np.ones(16000 * 9))
    sample = Folder(tmp_path).split("train").samples[0]
    assert sample.image == Frame(tmp_path / "cut.mkv", 75, 25), "the middle of six seconds of picture"
    assert read_image(sample.image).shape == (48, 64, 3)


def test_a_picture_or_sound_stands_in_for_the_videos(tmp_path: Path) -> None:
    root = unmarked(tmp_path)
    picture(root / "images/one.jpg")
    sound(root / "audio/two.wav")
    one, two = Folder(root).split("train").samples
    assert (one.image, one.audio) == (root / "images/one.jpg", root / "videos/one.mp4")
    assert isinstance(two.image, Frame)
    assert two.audio == root / "audio/two.wav"


@pytest.mark.parametrize("suffix", VIDEO_SUFFIXES)
def test_every_kind_of_video_that_others_read_is_a_clip(suffix: str, tmp_path: Path) -> None:
    (tmp_path / f"parrot{suffix.upper()}").touch()
    (missing,) = Folder(tmp_path).split("train").missing
    assert f"parrot{suffix.upper()}" in missing.reason


def test_half_a_pair_is_missing(tmp_path: Path) -> None:
    picture(tmp_path / "alone.jpg")
    sound(tmp_path / "heard.wav")
    reasons = {missing.id: missing.reason for missing in Folder(tmp_path).split("train").missing}
    assert reasons == {
        "alone": "no sound: alone.wav is not there",
        "heard": "no picture: heard.jpg is not there",
    }


@pytest.mark.parametrize(
    ("name", "twin", "kind"),
    [
        ("drum.jpg", "drum.png", "picture"),
        ("sea.flac", "sea.wav", "sound"),
        ("parrot.mp4", "parrot.mov", "video"),
        ("masks/parrot.png", "masks/parrot.jpg", "mask"),
    ],
)
def test_two_files_for_one_are_refused(name: str, twin: str, kind: str, tmp_path: Path) -> None:
    root = folder(tmp_path)
    shutil.copy(root / name, root / twin)
    split = Folder(root).split("test" if kind == "mask" else "train")
    first, second = sorted((Path(name).name, Path(twin).name))
    (missing,) = split.missing
    assert missing.id == Path(name).stem
    assert missing.reason == f"more than one {kind}: {first} and {second}. Keep one of them"


def test_a_mask_lies_on_the_picture_as_it_is_shown(tmp_path: Path) -> None:
    root = folder(tmp_path)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    Image.new("RGB", (90, 60)).save(root / "drum.jpg", exif=exif)
    for size, reasons in (
        ((60, 90), []),
        ((120, 181), []),
        ((50, 50), []),
        ((90, 60), ["90 x 60", "60 x 90"]),
    ):
        Image.new("L", size, 255).save(root / "masks/drum.png")
        missing = Folder(root).split("test").missing
        assert [clip.id for clip in missing] == (["drum"] if reasons else [])
        assert all(reason in clip.reason for clip in missing for reason in reasons)


def test_a_broken_video_is_missing(tmp_path: Path) -> None:
    root = unmarked(tmp_path)
    (root / "videos/one.mp4").write_bytes(b"broken")
    split = Folder(root).split("train")
    assert [sample.id for sample in split.samples] == ["two"]
    assert "is not a video that can be read" in split.missing[0].reason


def test_lists_say_what_is_trained_on_validated_and_scored(tmp_path: Path) -> None:
    root = folder(tmp_path)
    (root / "test.txt").write_text("drum\nsea\n")
    (root / "val.txt").write_text("parrot\n")
    own = Folder(root)
    assert own.validation_split == "val"
    assert [sample.id for sample in own.split("val").samples] == ["parrot"]
    assert [sample.id for sample in own.split("test").samples] == ["drum"]
    assert own.split("test").missing[0].reason == "neither mask nor boxes"
    with pytest.raises(DataError, match="has no clips"):
        own.split("train")
    (root / "train.txt").write_text("sea\n")
    assert [sample.id for sample in own.split("train").samples] == ["sea"]


def test_without_a_list_nothing_is_scored_that_thresholds_are_chosen_on_or_methods_trained_on(
    tmp_path: Path,
) -> None:
    root = folder(tmp_path)
    (root / "val.txt").write_text("parrot\n")
    assert [sample.id for sample in Folder(root).split("test").samples] == ["drum"]
    (root / "train.txt").write_text("drum\n")
    with pytest.raises(DataError, match="has no clips for 'test'"):
        Folder(root).split("test")


def test_clips_without_any_annotation_are_trained_on_and_drawn(tmp_path: Path) -> None:
    own = Folder(unmarked(tmp_path))
    assert own.test_splits == ()
    assert own.notes == ["no clip has a mask or boxes: all are drawn, none is scored"]
    assert len(own.split("train").samples) == 2


def test_all_clips_are_drawn_with_or_without_a_truth(tmp_path: Path) -> None:
    root = folder(tmp_path)
    (root / "test.txt").write_text("drum\n")
    own = Folder(root)
    assert [sample.id for sample in own.split(own.drawn_split).samples] == ["drum", "parrot", "sea"]


def test_a_box_that_is_no_box_is_named(tmp_path: Path) -> None:
    root = folder(tmp_path)
    (root / "boxes.csv").write_text("clip,x0,y0,x1,y1\ndrum,0,0,half,1\n")
    with pytest.raises(DataError, match=r"boxes.csv', line 2: a box of 'drum' is not four numbers"):
        Folder(root).split("test")


def test_an_empty_folder_says_what_belongs_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Expected layout of the data root"):
        Folder(tmp_path).split("train")


def test_lists_name_files_under_a_header_too(tmp_path: Path) -> None:
    root = folder(tmp_path)
    (root / "test.txt").write_text("\ufeffclip\r\n\r\ndrum.mp4\r\n")
    assert [sample.id for sample in Folder(root).split("test").samples] == ["drum"]
    (root / "test.txt").write_text("drums\n")
    with pytest.raises(DataError, match=r"test\.txt' has a picture, sound or video: .* such as 'drums'"):
        Folder(root).split("test")


def test_two_labels_of_one_clip_are_refused(tmp_path: Path) -> None:
    root = folder(tmp_path)
    (root / "labels.csv").write_text("drum,playing drums\ndrum,dog barking\n")
    with pytest.raises(DataError, match=r"labels\.csv' gives 'drum' two labels"):
        Folder(root).split("test")


def test_labels_of_other_clips_are_refused(tmp_path: Path) -> None:
    root = folder(tmp_path)
    (root / "labels.csv").write_text("Parrot 1,parrot talking\nDrum 1,playing drums\n")
    with pytest.raises(DataError, match=r"labels\.csv' has a picture, sound or video: .* such as 'Parrot 1'"):
        Folder(root).split("test")
