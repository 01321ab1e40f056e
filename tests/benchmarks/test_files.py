"""Files by id, and lists of which nothing is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from avprompt.errors import DataError
from avprompt_benchmarks.files import Absent, Files, check_names, find_annotation
from avprompt_benchmarks.ids import vggsound_id


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_the_first_folder_with_a_file_has_it(tmp_path: Path) -> None:
    for folder in ("new", "old"):
        write(tmp_path / folder / "a.jpg", "")
    write(tmp_path / "old/b.JPG", "")
    files = Files(tmp_path, ("none", "new", "old"), (".jpg",))
    assert files.find("a") == tmp_path / "new/a.jpg"
    assert files.find("b") == tmp_path / "old/b.JPG"
    assert files.ids() == ["a", "b"]


def test_a_file_that_is_not_there_is_called_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    assert Files(tmp_path, ("pictures", "frames"), (".jpg",)).find("a") == "frames/a.jpg"
    assert Files(tmp_path, ("pictures",), (".jpg",)).find("a") == "pictures/a.jpg"
    assert Files(tmp_path, (".",), (".jpg",)).find("a") == Absent("a.jpg")


def test_folders_of_frames_hold_the_annotated_one(tmp_path: Path) -> None:
    for name in ("001.jpg", "125.jpg"):
        write(tmp_path / "frames/abcdefghijk_0_10000" / name, "")
    write(tmp_path / "frames/other/001.jpg", "")
    files = Files(tmp_path, ("frames",), (".jpg",), vggsound_id, ("125.*",))
    assert files.find("abcdefghijk_000000") == tmp_path / "frames/abcdefghijk_0_10000/125.jpg"
    assert files.find("other") == "frames/other.jpg"


def test_annotations_lie_in_the_root_or_right_under_it(tmp_path: Path) -> None:
    deep = write(tmp_path / "metadata/vggss.json", "[]")
    assert find_annotation(tmp_path, ("vggss.json",)) == deep
    top = write(tmp_path / "vggss.json", "[]")
    assert find_annotation(tmp_path, ("vggss.json",)) == top
    assert find_annotation(tmp_path, ("other.json",)) is None


def test_a_list_of_which_nothing_is_there_shows_one_of_each_side(tmp_path: Path) -> None:
    check_names(tmp_path / "list.txt", ["a", "b"], ["b", "c"], "a picture")
    check_names(tmp_path / "list.txt", ["a"], [], "a picture")
    message = r"None of the 2 clips of '.*list\.txt' has a picture.* such as 'a', .* such as 'c'"
    with pytest.raises(DataError, match=message):
        check_names(tmp_path / "list.txt", ["a", "b"], ["c"], "a picture")
    with pytest.raises(DataError, match=r"list\.txt' names no clip"):
        check_names(tmp_path / "list.txt", [], ["c"], "a picture")
