"""Lists of clips, as they are published."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from avprompt.data.lists import read_json, read_list, read_table
from avprompt.errors import DataError

A, B, C = "clip00aaaaa_000001", "clip00bbbbb_000020", "-lip00ccccc_000300"
VIDEO = A[:11]

PUBLISHED: dict[str, tuple[str, str, list[tuple[str, ...]]]] = {
    "ids": ("l.txt", f"{A}\n{B}\n", [(A,), (B,)]),
    "no last line end": ("l.txt", f"{A}\n{B}", [(A,), (B,)]),
    "empty lines and a byte order mark": ("l.txt", f"\ufeff{A}\n\n{B}\n\n", [(A,), (B,)]),
    "labels with commas": ("l.csv", f'{A},"rowboat, canoe"\r\n{B},dog\r\n', [(A,), (B,)]),
    "spaces before quotes": ("l.csv", f'{A}, "rowboat, canoe"\n', [(A,)]),
    "old line ends": ("l.csv", f"{A},x\r{B},y\r", [(A,), (B,)]),
    "tabs": ("l.tsv", f"{A}\trowboat, canoe\n{B}\tdog\n", [(A,), (B,)]),
    "files": ("l.txt", f"audio/{A}.wav\n{B}.mp4\nd\\{C}.JPG\n", [(A,), (B,), (C,)]),
    "a table": ("l.csv", f"name,start,split\n{A},1,train\n{B},2,test\n", [(A,), (B,)]),
    "numbered rows": ("l.csv", f",video_id,label\n0,{A},x\n1,{B},y\n", [(A,), (B,)]),
    "pairs of a picture and a sound": ("l.csv", f"video,audio\n{A},{B}\n{C},{C}\n", [(A, B), (C, C)]),
    "VGGSound's own csv": ("l.csv", f'{VIDEO},30,"rowboat, canoe",test\n', [(f"{VIDEO}_30",)]),
    "AudioSet's csv without its header": (
        "l.csv",
        f'{VIDEO}, 30.000, 40.000, "/m/x,/m/y"\n',
        [(f"{VIDEO}_30.000",)],
    ),
    "the label first": ("l.csv", f"Label,ID\nx,{A}\n", [(A,)]),
    "with a commented header": (
        "l.csv",
        f'# made on Monday\n# YTID, start_seconds, end_seconds, labels\n{VIDEO}, 30.000, 40.000, "a,b"\n',
        [(f"{VIDEO}_30.000",)],
    ),
    "comments": ("l.txt", f"# mine\n{A}\n# not {B}\n", [(A,)]),
    "SoundNet-Flickr's numbers of classes": ("l.csv", "10000130166,202\n", [("10000130166",)]),
    "vggss.json": ("l.json", json.dumps([{"file": A, "class": "x"}, {"file": B}]), [(A,), (B,)]),
    "names alone in JSON": ("l.json", json.dumps([A, B, 10000130166]), [(A,), (B,), ("10000130166",)]),
    "a byte order mark in JSON": ("l.json", "\ufeff" + json.dumps([A]), [(A,)]),
    "JSON under a key": (
        "l.json",
        json.dumps({"data": [{"video_id": A}, {"wav": f"d/{B}.wav"}]}),
        [(A,), (B,)],
    ),
    "videos with starts in JSON": (
        "l.json",
        json.dumps([{"id": VIDEO, "start": 30.0}]),
        [(f"{VIDEO}_30.0",)],
    ),
    "nothing": ("l.txt", "", []),
}


@pytest.mark.parametrize(("name", "text", "ids"), PUBLISHED.values(), ids=PUBLISHED)
def test_lists_are_read_as_they_are(name: str, text: str, ids: list[tuple[str, ...]], tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(text.encode())
    assert [clip.ids for clip in read_list(tmp_path / name).clips] == ids


BROKEN = {
    "no list": ("l.json", b'{"a": 1}', "is no list of clips"),
    "no ids": ("l.json", b'[{"class": 1}]', "has an entry without any of id, file"),
    "lists in a list": ("l.json", b'[["a", 1]]', "has an entry without any of id, file"),
    "no JSON": ("l.json", b"[", "cannot be read"),
    "nested too deep": ("l.json", b"[" * 100_000 + b"]" * 100_000, "cannot be read as JSON"),
    "a number of too many digits": ("l.json", b"[1" + b"0" * 5000 + b"]", "cannot be read as JSON"),
    "no text": ("l.txt", b"\xff\xfe\x00", "cannot be read: it is not UTF-8"),
    "cells of several lines": ("l.csv", b'a,"one\ntwo"\nb,c\n', "line 1, .*cells of several lines"),
    "no name": ("l.csv", b"a,x\n\n,y\n", "line 3, names no clip: ',y'"),
    "no name in a table": ("l.csv", b"label,id\nx\n", "line 2, names no clip: 'x'"),
}


@pytest.mark.parametrize(("name", "content", "message"), BROKEN.values(), ids=BROKEN)
def test_other_files_are_refused(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_list(tmp_path / name)
    with pytest.raises(DataError, match="cannot be read"):
        read_list(tmp_path / "gone.txt")


LABELS = {
    "a list": 'a\n\nb,dog barking\nc,"female speech, woman speaking"\n d , 202 \n',
    "a table": 'class,id\n,a\ndog barking,b\n"female speech, woman speaking",c\n202,d\n',
    "with starts and ends": "a,1,11,\nb,2.000,12.000,dog barking\n"
    'c,3,13,"female speech, woman speaking"\nd,4.000,14.000\n',
    "with starts": 'a,1,,x\nb,2,dog barking\nc,3,"female speech, woman speaking"\nd,4,202\n',
}


@pytest.mark.parametrize("text", LABELS.values(), ids=LABELS)
def test_labels_are_words(text: str, tmp_path: Path) -> None:
    """The number of a class, as lists of SoundNet-Flickr have it, is no label."""
    (tmp_path / "list.csv").write_text(text)
    assert [(clip.id, clip.label) for clip in read_list(tmp_path / "list.csv").clips] == [
        ("a", ""),
        ("b", "dog barking"),
        ("c", "female speech, woman speaking"),
        ("d", ""),
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("l.csv", f"# mine\r\n# ID, label\r\n{A}, x\r\n"),
        ("l.txt", f"{A}\n"),
        ("l.json", json.dumps({"data": [{"id": A, "class": "x"}]})),
    ],
)
def test_a_list_is_written_as_it_was(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text, newline="")
    clips = read_list(tmp_path / name)
    clips.write(tmp_path / "written", clips.clips)
    assert (tmp_path / "written").read_bytes().decode() == text


def test_a_table_has_named_columns(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("\ufeff# video, audio,label\n\na,b,non-sounding\n", encoding="utf-8")
    assert read_table(tmp_path / "table.csv", ("video",)) == {
        3: {"video": "a", "audio": "b", "label": "non-sounding"}
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "no column 'video'; it has a, b"),
        ("", "no column 'video'"),
        ("video,b\n1,2\n1\n", "line 3, has more or fewer than its 2"),
    ],
)
def test_a_table_that_is_none_says_what_it_lacks(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        read_table(tmp_path / "table.csv", ("video",))


def test_json_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "vggss.json").write_text("[{")
    for path in (tmp_path / "vggss.json", tmp_path / "none.json"):
        with pytest.raises(DataError, match=f"{path.name}' cannot be read"):
            read_json(path)
