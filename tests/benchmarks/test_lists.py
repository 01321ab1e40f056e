"""Lists of ids, tables, and files by id."""

from __future__ import annotations

from pathlib import Path

import pytest

from avprompt.errors import DataError
from avprompt_benchmarks.files import Absent, Files, find_annotation, read_json
from avprompt_benchmarks.ids import vggsound_id
from avprompt_benchmarks.lists import ListedClip, read_list, read_table


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_list_has_ids_and_may_have_labels(tmp_path: Path) -> None:
    path = write(tmp_path / "list.csv", 'a\n\nb,dog barking\nc,"female speech, woman speaking"\n d , x \n')
    assert read_list(path) == [
        ListedClip("a"),
        ListedClip("b", "dog barking"),
        ListedClip("c", "female speech, woman speaking"),
        ListedClip("d", "x"),
    ]


def test_the_number_of_a_class_is_no_label(tmp_path: Path) -> None:
    assert read_list(write(tmp_path / "flickr_test.csv", "10000130166,202\n")) == [ListedClip("10000130166")]


def test_a_byte_order_mark_is_no_part_of_an_id(tmp_path: Path) -> None:
    assert read_list(write(tmp_path / "list.csv", "\ufeffa,b\n")) == [ListedClip("a", "b")]


def test_a_list_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "list.csv", tmp_path / "none.csv"):
        with pytest.raises(DataError, match=f"{path.name}' cannot be read"):
            read_list(path)


def test_a_table_has_named_columns(tmp_path: Path) -> None:
    path = write(tmp_path / "table.csv", "video,audio,label\na,b,non-sounding\n")
    assert read_table(path, ("video",)) == [{"video": "a", "audio": "b", "label": "non-sounding"}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "no column 'video'; it has a, b"),
        ("", "no column 'video'"),
        ("video,b\n1\n", "more or fewer than its 2"),
    ],
)
def test_a_table_that_is_none_says_what_it_lacks(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        read_table(write(tmp_path / "table.csv", text), ("video",))


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


def test_json_that_is_none_is_named(tmp_path: Path) -> None:
    for path in (write(tmp_path / "vggss.json", "[{"), tmp_path / "none.json"):
        with pytest.raises(DataError, match=f"{path.name}' cannot be read"):
            read_json(path)
