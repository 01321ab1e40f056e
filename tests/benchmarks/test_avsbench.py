"""AVSBench: both layouts, masks read as not 0, five frames that share a sound."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from avprompt.data.media import read_audio
from avprompt.data.tools.inspection import inspect_annotation
from avprompt.errors import DataError
from avprompt_benchmarks.avsbench import MS3, S4
from avprompt_benchmarks.avsbench_boxes import MS3Boxes, S4Boxes
from layouts.avsbench import BOX, CAT, DOG, DUET, acl, ms3, ms3_boxes, s4, s4_boxes
from layouts.media import mask


def box() -> np.ndarray:
    left, top, right, bottom = BOX
    mask = np.zeros((224, 224), dtype=np.float32)
    mask[top:bottom, left:right] = 1
    return mask


def test_frames_come_five_a_clip_in_the_official_order(tmp_path: Path) -> None:
    split = S4(s4(tmp_path)).split("test")
    assert [sample.id for sample in split.samples] == [
        *(f"{DOG}_{number}" for number in range(1, 6)),
        *(f"{CAT}_{number}" for number in range(1, 5)),
    ]
    assert [missing.id for missing in split.missing] == [f"{CAT}_5"]
    assert split.missing[0].reason.startswith("no mask: gt_masks/test/cat_meowing")
    assert split.expected == 10


def test_masks_are_inside_where_they_are_not_0(tmp_path: Path) -> None:
    for sample in S4(s4(tmp_path)).split("test").samples:  # written as 1, which convert('1') reads as empty
        np.testing.assert_array_equal(sample.truth.mask, box())


def test_palette_masks_and_empty_ones_are_read(tmp_path: Path) -> None:
    truths = [sample.truth.mask for sample in MS3(ms3(tmp_path)).split("test").samples]
    assert not truths[0].any()
    for truth in truths[1:]:
        np.testing.assert_array_equal(truth, box())


def test_every_frame_hears_all_of_its_clip_mixed_to_one_channel(tmp_path: Path) -> None:
    """ACL-SSL puts the right channel behind the left one to fill 10 s."""
    benchmark = S4(s4(tmp_path))
    samples = benchmark.split("test").samples
    assert len({sample.audio for sample in samples[:5]}) == 1
    assert benchmark.audio_seconds == 5
    stereo, rate = soundfile.read(samples[0].audio)
    heard = read_audio(samples[0].audio, 16000, benchmark.audio_seconds)
    assert (stereo.shape, rate) == ((80_000, 2), 16000)
    np.testing.assert_allclose(heard, stereo.mean(axis=1), atol=1e-6)


def test_training_needs_no_masks(tmp_path: Path) -> None:
    """S4 masks the first frame of a training clip alone."""
    split = S4(s4(tmp_path)).split("train")
    assert [sample.id for sample in split.samples] == [f"trainvid_aa_{number}" for number in range(1, 6)]
    assert split.missing == ()
    assert all(sample.truth is None for sample in split.samples)


def test_thresholds_are_chosen_on_the_official_validation_split(tmp_path: Path) -> None:
    benchmark = MS3(ms3(tmp_path))
    assert benchmark.validation_split == "val"
    assert benchmark.split("val").samples[0].id == "duetaudio_v_1_1"


def test_labels_and_groups_are_the_clips(tmp_path: Path) -> None:
    sample = S4(s4(tmp_path)).split("test").samples[0]
    assert (sample.label, sample.group) == ("dog barking", DOG)
    assert MS3(ms3(tmp_path / "ms3")).split("test").samples[0].group == DUET


@pytest.mark.parametrize("inside", ["", "Single-source", "Single-source/s4_data"])
def test_the_root_may_be_any_folder_down_to_the_data(inside: str, tmp_path: Path) -> None:
    assert len(S4(s4(tmp_path) / inside).split("test").samples) == 9


@pytest.mark.parametrize(("subset", "benchmark"), [("s4", S4), ("ms3", MS3)])
def test_the_layout_of_acl_has_test_frames_alone(subset: str, benchmark: type[S4], tmp_path: Path) -> None:
    adapter = benchmark(acl(tmp_path, subset))
    split = adapter.split("test")
    assert [sample.id for sample in split.samples] == [f"{CAT}_{number}" for number in range(1, 6)]
    np.testing.assert_array_equal(split.samples[0].truth.mask, box())
    assert {missing.reason[:9] for missing in split.missing} == {"no sound:"}
    assert adapter.validation_split is None
    assert all(sample.truth is None for sample in adapter.split("train").samples)
    assert any("trained on the test frames" in note for note in adapter.notes)


def test_what_is_no_frame_is_named(tmp_path: Path) -> None:
    root = acl(tmp_path)
    (root / "avs1_s4_test.csv").write_text(f"{CAT}_6,dog_barking\n")
    with pytest.raises(DataError, match=f"names '{CAT}_6', which is no frame of a clip"):
        S4(root).split("test")


def test_a_broken_mask_is_missing_not_fatal(tmp_path: Path) -> None:
    root = s4(tmp_path)
    (root / f"Single-source/s4_data/gt_masks/test/dog_barking/{DOG}/{DOG}_2.png").write_bytes(b"broken")
    split = S4(root).split("test")
    assert f"{DOG}_2" not in {sample.id for sample in split.samples}
    assert "cannot be read" in split.missing[0].reason


def test_as_many_masks_as_the_official_ones_may_still_be_wrong(tmp_path: Path) -> None:
    base, clips = tmp_path / "Multi-sources", [f"duetaudio_a_{k}" for k in range(64)]
    base.mkdir()
    (base / "ms3_meta_data.csv").write_text("\n".join(["name,split", *(f"{clip},test" for clip in clips)]))
    white = mask(tmp_path / "white.png", (0, 0, 224, 224))
    for clip in clips:
        (base / f"ms3_data/gt_masks/test/{clip}").mkdir(parents=True)
        for number in range(1, 6):
            (base / f"ms3_data/gt_masks/test/{clip}/{clip}_{number}.png").symlink_to(white)
    facts = inspect_annotation(MS3(tmp_path), "test")
    assert facts.counts.samples == len(facts.broken) == 320
    assert {problem.detail for problem in facts.broken} == {"the truth covers the whole picture"}
    assert not any(problem.known for problem in facts.broken)


def test_other_batches_than_the_official_ones_are_told(tmp_path: Path) -> None:
    (tmp_path / "acl").mkdir()
    whole, torn, unordered = MS3(ms3(tmp_path / "a")), S4(s4(tmp_path / "b")), S4(acl(tmp_path / "acl"))
    for benchmark in (whole, torn, unordered):
        benchmark.split("test")
    assert not any("batches" in note for note in whole.notes)
    assert (
        "test: frames are missing, so the batches of avsbench-official are not the official ones"
        in torn.notes
    )
    assert any("batches" in note for note in unordered.notes)


def test_an_unknown_split_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no split 'vall'. Did you mean 'val'"):
        S4(s4(tmp_path)).split("vall")


def test_boxes_need_no_masks_and_no_list(tmp_path: Path) -> None:
    root = s4_boxes(tmp_path)
    (root / "Single-source/s4_meta_data.csv").unlink()
    split = S4Boxes(root).split("test")
    assert len(split.samples) == 10
    assert not split.samples[0].truth.mask.any(), "an empty list of boxes"
    assert not split.samples[1].truth.mask.any(), "a box of zero size"
    np.testing.assert_array_equal(split.samples[2].truth.mask, box())
    assert split.samples[2].label == "dog barking"


@pytest.mark.parametrize("name", [f"{DUET}.mp4_9", f"{DUET}.mp4_0", f"{DUET}.mp4_x", "_3"])
def test_boxes_of_what_is_no_frame_are_named_too(name: str, tmp_path: Path) -> None:
    listing = ms3_boxes(tmp_path) / "ms3_box.json"
    listing.write_text(listing.read_text().replace(f"{DUET}.mp4_3.png", f"{name}.png"))
    with pytest.raises(
        DataError, match=rf"ms3_box.json' names '{name}', which is no frame of a clip, <clip>_"
    ):
        MS3Boxes(tmp_path).split("test")


def test_a_check_names_an_empty_list_of_boxes(tmp_path: Path) -> None:
    facts = inspect_annotation(S4Boxes(s4_boxes(tmp_path)), "test")
    problems = [(problem.id, problem.detail) for problem in facts.broken]
    assert (f"{DOG}_1", "the truth marks nothing") in problems
    assert (f"{DOG}_2", "no box marks anything") in problems


def test_boxes_of_ms3_are_found_by_the_frame(tmp_path: Path) -> None:
    annotations = MS3Boxes(ms3_boxes(tmp_path)).annotations("test")
    unmarked = [(annotation.id, annotation.counts.unmarked) for annotation in annotations]
    assert unmarked == [(f"{DUET}_{n}", n == 1) for n in range(1, 6)]
