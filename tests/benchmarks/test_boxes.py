"""Boxes: the loader rule on hand-drawn masks, and what is broken."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avprompt.errors import DataError
from avprompt_benchmarks.boxes import (
    is_degenerate,
    is_garbage,
    misplaced,
    read_box_table,
    read_boxes,
    union_of_boxes,
)

ABSURD = -2.8823037615171176e16


def rectangle(left: int, top: int, right: int, bottom: int, size: int = 224) -> np.ndarray:
    mask = np.zeros((size, size), dtype=np.float32)
    mask[top:bottom, left:right] = 1
    return mask


def test_corners_are_scaled_and_truncated() -> None:
    np.testing.assert_array_equal(union_of_boxes([(0.25, 0.5, 0.999, 1)]), rectangle(56, 112, 223, 224))
    np.testing.assert_array_equal(union_of_boxes([(0.3, 0.3, 0.9, 0.9)], size=8), rectangle(2, 2, 7, 7, 8))


def test_pixels_of_another_picture_are_scaled() -> None:
    np.testing.assert_array_equal(union_of_boxes([(64, 0, 129, 256)], side=256), rectangle(56, 0, 112, 224))
    np.testing.assert_array_equal(union_of_boxes([(10.9, 3, 20, 224)], side=224), rectangle(10, 3, 20, 224))


def test_boxes_unite_and_leave_no_pixel_twice() -> None:
    mask = union_of_boxes([(0.25, 0.25, 0.5, 0.5), (0.375, 0.25, 0.75, 0.5)])
    np.testing.assert_array_equal(mask, rectangle(56, 56, 168, 112))


def test_corners_outside_are_clipped() -> None:
    np.testing.assert_array_equal(union_of_boxes([(-0.003, 0.1, 1.02, 0.5)]), rectangle(0, 22, 224, 112))


@pytest.mark.parametrize(
    ("box", "garbage", "degenerate"),
    [
        ((0.4, 0.35, ABSURD, 0.575), True, True),
        ((ABSURD, 0.1, 0.5, 0.5), True, False),
        ((0.1, math.nan, 0.5, 0.5), True, True),
        ((0.1, 0.2, 0.3), True, True),
        ((), True, True),
        ((0.0, 0.53, 0.0, 0.99), False, True),
        ((0.2, 1.0, 0.75, 1.0), False, True),
        ((0.5, 0.5, 0.4, 0.9), False, True),
        ((-0.003, 0.1, 1.02, 0.5), False, False),
    ],
)
def test_broken_boxes_are_told_apart(box: tuple[float, ...], garbage: bool, degenerate: bool) -> None:
    assert is_garbage(box) == garbage
    assert is_degenerate(box) == degenerate
    if degenerate:
        assert not union_of_boxes([box]).any()


@given(st.lists(st.lists(st.floats(0, 1, width=32), min_size=4, max_size=4), max_size=4))
def test_a_union_is_as_large_as_its_largest_box_at_least(boxes: list[list[float]]) -> None:
    areas = [union_of_boxes([box], size=32).sum() for box in boxes]
    whole = union_of_boxes(boxes, size=32)
    assert max(areas, default=0) <= whole.sum() <= sum(areas)
    assert set(np.unique(whole)) <= {0, 1}


def test_json_may_hold_a_box_or_boxes() -> None:
    assert read_boxes([1, 2, 3, 4], "a file", 4) == ((1, 2, 3, 4),)
    assert read_boxes([[1, 2, 3, 4], [0, 0, 2, 1]], "a file", 4) == ((1, 2, 3, 4), (0, 0, 2, 1))


def test_no_box_is_no_annotation() -> None:
    with pytest.raises(DataError, match=r"vggss.json: 'x' has no box\. Draw one"):
        read_boxes([], "vggss.json: 'x'", 1)


@pytest.mark.parametrize("value", [None, 3, ["a", "b"], [[1, None]], {"x": 1}, [10**400, 0, 1, 1]])
def test_what_is_no_box_is_an_error_that_names_it(value: object) -> None:
    with pytest.raises(DataError, match=r"vggss.json: 'x' holds no boxes"):
        read_boxes(value, "vggss.json: 'x'", 1)


def test_boxes_broken_as_official_ones_pass() -> None:
    boxes = ((0.4, 0.35, ABSURD, 0.575), (0.0, 0.53, 0.0, 0.99), (-0.003, 0.1, 1.02, 0.5))
    assert read_boxes(boxes, "vggss.json", 1) == boxes


MISPLACED = {
    "pixels": ((12, 30, 300, 200), 1, "leaves the picture, .* 1 x 1 in its unit; these look like pixels"),
    "pixels and extent": ((300, 200, 50, 60), 1, "these look like pixels"),
    "percent": ((10, 20, 50, 60), 1, "these look like percent or pixels"),
    "left of the picture": ((-0.1, 0, 0.5, 0.9), 1, r"leaves the picture, which is 1 x 1 in its unit$"),
    "beyond the edge": ((1.01, 0, 1.04, 1), 1, "has no part in the picture, which is 1 x 1 in its unit"),
    "reverse": ((0.9, 0.2, 0.3, 0.8), 1, "ends before it begins; these look like two corners in reverse"),
    "extent": ((0.5, 0.2, 0.3, 0.4), 1, "ends before it begins; these look like x, y, width and height"),
    "no width": ((0.5, 0.2, 0.5, 0.4), 1, "has no width or height"),
    "outside": ((100, 20, 300, 60), 224, r"leaves the picture, which is 224 x 224 in its unit$"),
    "fractions": ((0.1, 0.2, 0.5, 0.6), 224, "these look like fractions of the picture"),
}


@pytest.mark.parametrize(("box", "side", "message"), MISPLACED.values(), ids=MISPLACED)
def test_what_has_no_place_in_the_picture_is_told_with_a_guess(
    box: tuple[float, ...], side: float, message: str
) -> None:
    assert re.search(message, misplaced(box, side, side))


@pytest.mark.parametrize("box", [(0, 0, 1, 1), (-0.003, 0.1, 1.02, 0.5)])
def test_a_box_may_reach_the_edge_and_a_little_over(box: tuple[float, ...]) -> None:
    assert misplaced(box, 1, 1) == ""


NO_PLACE = ([12, 30, 300, 200], [300, 9, 20, 9.5], [0, 0, 1, math.inf], [0, 0, math.nan, 1], [0, 0, 1])


@pytest.mark.parametrize("box", NO_PLACE)
def test_boxes_in_json_are_refused_where_they_have_no_place(box: list[float]) -> None:
    with pytest.raises(DataError, match=r"vggss.json: 'x': .*(pixels|four finite numbers)"):
        read_boxes([box], "vggss.json: 'x'", 1)


def table(tmp_path: Path, text: str) -> Path:
    (tmp_path / "boxes.csv").write_text(text)
    return tmp_path / "boxes.csv"


def test_a_table_may_say_the_unit_of_its_boxes(tmp_path: Path) -> None:
    header, sized = "clip,x0,y0,x1,y1", "clip,x0,y0,x1,y1,width,height"
    fractions = table(tmp_path, f"{header}\nsea,0,0.25,0.5,1\n")
    assert read_box_table(fractions) == {"sea": [(0, 0.25, 0.5, 1)]}
    others = table(tmp_path, f"{sized}\nsea,0,120,320,480,640,480\nsea,0,25,50,100,100,100\nsky,0,0,1,1,,\n")
    assert read_box_table(others) == {"sea": [(0, 0.25, 0.5, 1)] * 2, "sky": [(0, 0, 1, 1)]}


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ("12,30,300,200", r"line 3: a box of 'sea' \(12, 30, 300, 200\) .* pixels.*columns width,height"),
        ("0,0,inf,1", "line 3: a box of 'sea' is not four finite numbers"),
        ("0,0,nan,1", "line 3: a box of 'sea' is not four finite numbers"),
        ("0.5,0.5,0.2,0.2", "line 3: .*x, y, width and height"),
        ("0,0,1,one", "line 3: a box of 'sea' is not four numbers"),
    ],
)
def test_a_table_of_other_boxes_is_refused_with_the_line(numbers: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        read_box_table(table(tmp_path, f"clip,x0,y0,x1,y1\n\nsea,{numbers}\n"))
