"""AVATAR: outlines of scenarios, frames of videos."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from avprompt.data.media import read_audio, read_image
from avprompt.data.tools.inspection import inspect_annotation
from avprompt.records import Frame
from avprompt_benchmarks.avatar import AVATAR
from avprompt_benchmarks.polygons import misplaced_polygon, read_polygons, union_of_polygons
from layouts.avatar import MIXED, SINGLE, SQUARE, avatar, frame


@pytest.fixture
def benchmark_(tmp_path: Path) -> AVATAR:
    return AVATAR(avatar(tmp_path))


def test_a_sample_is_a_frame_and_a_scenario(benchmark_: AVATAR) -> None:
    samples = [(sample.id, sample.label, sample.sounding) for sample in benchmark_.split("test").samples]
    assert samples == [
        (f"{MIXED}/5/mixed-sound", "cat", True),
        (f"{MIXED}/9/single-sound", "dog", True),
        (f"{MIXED}/9/mixed-sound", "cat", True),
        (f"{SINGLE}/00010/off-screen", "man", False),
        (f"{SINGLE}/2/single-sound", "dog", True),
    ]


def test_unusable_frames_are_missing_with_their_reason(benchmark_: AVATAR) -> None:
    reasons = {missing.id: missing.reason for missing in benchmark_.split("test").missing}
    assert reasons["gonevideo_a_000030/1/single-sound"].startswith("no picture: video/gonevideo_a_000030.mp4")
    assert "is not the annotation of a frame" in reasons[f"{MIXED}/11"]


def test_the_picture_is_the_annotated_frame_of_the_video(benchmark_: AVATAR) -> None:
    sample = benchmark_.split("test").samples[-1]
    assert sample.image == Frame(benchmark_.root / f"video/{SINGLE}.mp4", 2)
    assert read_image(sample.image).mean() == pytest.approx(8, abs=4)
    assert read_audio(sample.audio, 16000, 10).shape == (160_000,)


def test_truths_are_the_outlines_of_the_scenario(benchmark_: AVATAR) -> None:
    truths = {sample.id: sample.truth for sample in benchmark_.split("test").samples}
    left, right = np.zeros((224, 224)), np.zeros((224, 224))
    left[:, :112] = 1
    right[: round(224 * 32 / 48), 112:] = 1
    assert np.mean(truths[f"{SINGLE}/2/single-sound"].mask != right) < 0.02  # an outline's edge is inside
    assert np.mean(truths[f"{MIXED}/5/mixed-sound"].mask != np.maximum(left, right)) < 0.02
    assert np.mean(truths[f"{MIXED}/9/mixed-sound"].mask != left) < 0.02
    assert truths[f"{MIXED}/5/mixed-sound"].sources == 2


def test_nothing_is_marked_off_screen(benchmark_: AVATAR) -> None:
    truth = next(
        sample.truth for sample in benchmark_.split("test").samples if sample.scenario == "off-screen"
    )
    assert not truth.mask.any()
    assert truth.sources == 0


def test_training_is_on_clips_of_vggsound(benchmark_: AVATAR) -> None:
    assert [sample.id for sample in benchmark_.split("train").samples] == [
        "trainclip_a_000001",
        "trainclip_b_000002",
    ]


def test_without_a_list_training_is_on_annotated_frames(benchmark_: AVATAR) -> None:
    (benchmark_.root / "vggsound_10k.txt").unlink()
    split = benchmark_.split("train")
    assert len(split.samples) == 5
    assert all(sample.truth is None for sample in split.samples)


@pytest.mark.parametrize(
    "content", [{"task": "Single-sound", "segmentation": {"counts": "x"}}, {"segmentation": []}]
)
def test_another_annotation_is_refused_for_its_frame_alone(
    content: dict[str, object], benchmark_: AVATAR
) -> None:
    frame(benchmark_.root / f"metadata/{SINGLE}/2.json", content)
    split = benchmark_.split("test")
    assert len(split.samples) == 4
    assert f"{SINGLE}/2" in {missing.id for missing in split.missing}


def test_polygons_are_read_in_both_spellings() -> None:
    corners = [(32, 0), (64, 0), (64, 32), (32, 32)]
    flat = [value for corner in corners for value in corner]
    for spelled in (SQUARE, [SQUARE], flat, [flat]):
        assert read_polygons(spelled) == [corners]
    assert read_polygons([]) == []
    assert len(read_polygons([flat, flat])) == 2


@pytest.mark.parametrize("segmentation", [{"counts": "x"}, "text", [1, 2, 3], [None]])
def test_what_is_no_polygon_is_refused(segmentation: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        read_polygons(segmentation)


def test_a_polygon_fills_its_inside_at_the_frames_size() -> None:
    mask = union_of_polygons([[(56, 28), (167, 28), (167, 111), (56, 111)]], 224, 224)
    expected = np.zeros((224, 224), dtype=bool)
    expected[28:112, 56:168] = True
    np.testing.assert_array_equal(mask, expected)


def test_two_corners_enclose_nothing() -> None:
    assert not union_of_polygons([[(0, 0), (10, 10)], []], 64, 64).any()


def outlined(*corners: float) -> dict[str, object]:
    return {"annotations": [{"task": "Single-sound", "segmentation": [list(corners)]}]}


NO_FRAMES = {
    "numbers that are no places": outlined(0, 0, 1e30, 1),
    "a number of 400 digits": outlined(0, 0, 10**400, 1),
    "fractions": outlined(0.1, 0.1, 0.9, 0.1, 0.9, 0.9),
    "places outside the frame": outlined(0, 0, 640, 0, 640, 480),
    "no width": {"original_width": 0, "annotations": []},
    "more pixels than memory has room for": {"original_width": 10**6, "annotations": []},
}


@pytest.mark.parametrize("changes", NO_FRAMES.values(), ids=NO_FRAMES)
def test_numbers_that_no_frame_has_leave_it_out_with_the_reason(
    changes: dict[str, object], tmp_path: Path
) -> None:
    root = avatar(tmp_path)
    content = {"original_width": 64, "original_height": 480, **changes}
    (root / f"metadata/{MIXED}/11.json").write_text(json.dumps(content))
    missing = {clip.id: clip.reason for clip in AVATAR(root).split("test").missing}
    assert "11.json" in missing[f"{MIXED}/11"]


def test_polygons_out_of_place_are_told_with_a_guess() -> None:
    assert misplaced_polygon([(0.1, 0.1), (0.9, 0.1), (0.9, 0.9)], 64, 480) == (
        "(0.1, 0.1, 0.9, 0.9) is smaller than a pixel; these look like fractions of the picture"
    )
    assert "leaves the picture, which is 64 x 48" in misplaced_polygon([(0, 0), (90, 0), (90, 9)], 64, 48)
    for polygon in ([(-1, -1), (66, 0), (64, 49)], [(0.5, 0.5)], [(9, 9), (9, 20)]):
        assert misplaced_polygon(polygon, 64, 48) == ""


def test_a_check_names_a_source_in_the_picture_that_nothing_marks(benchmark_: AVATAR) -> None:
    assert inspect_annotation(benchmark_, "test").broken == []
    frame(benchmark_.root / f"metadata/{SINGLE}/2.json", {"task": "Single-sound", "segmentation": []})
    problems = inspect_annotation(AVATAR(benchmark_.root), "test").broken
    assert [(problem.id, problem.detail) for problem in problems] == [
        (f"{SINGLE}/2/single-sound", "the truth marks nothing")
    ]
