"""Lists as they are published, and the clips of one inside another."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from avprompt.cli import main
from avprompt.data.tools.lists import IdList, Row, common_spelling, find_leak, read_ids
from avprompt.errors import DataError
from avprompt.registry import Registry

A, B, C = "clip00aaaaa_000001", "clip00bbbbb_000020", "-lip00ccccc_000300"

PUBLISHED: dict[str, tuple[str, str, list[tuple[str, ...]]]] = {
    "ids": ("l.txt", f"{A}\n{B}\n", [(A,), (B,)]),
    "no last line end": ("l.txt", f"{A}\n{B}", [(A,), (B,)]),
    "empty lines and a byte order mark": ("l.txt", f"\ufeff{A}\n\n{B}\n\n", [(A,), (B,)]),
    "labels with commas": ("l.csv", f'{A},"rowboat, canoe"\r\n{B},dog\r\n', [(A,), (B,)]),
    "files": ("l.txt", f"audio/{A}.wav\n{B}.mp4\n", [(A,), (B,)]),
    "a table": ("l.csv", f"name,start,split\n{A},1,train\n{B},2,test\n", [(A,), (B,)]),
    "pairs of a picture and a sound": ("l.csv", f"video,audio\n{A},{B}\n{C},{C}\n", [(A, B), (C, C)]),
    "vggss.json": ("l.json", json.dumps([{"file": A, "class": "x"}, {"file": B}]), [(A,), (B,)]),
    "names alone in JSON": ("l.json", json.dumps([A, B]), [(A,), (B,)]),
    "nothing": ("l.txt", "", []),
}


@pytest.mark.parametrize(("name", "text", "ids"), PUBLISHED.values(), ids=PUBLISHED)
def test_lists_are_read_as_they_are(name: str, text: str, ids: list[tuple[str, ...]], tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(text.encode())
    assert [row.ids for row in read_ids(tmp_path / name).rows] == ids


BROKEN = {
    "no list": ("l.json", b'{"a": 1}', "is no list of clips"),
    "no ids": ("l.json", b'[{"class": 1}]', "has an entry without any of id, file"),
    "no JSON": ("l.json", b"[", "cannot be read"),
    "no text": ("l.txt", b"\xff\xfe\x00", "cannot be read"),
    "cells of several lines": ("l.csv", b'a,"one\ntwo"\nb,c\n', "cells of several lines"),
}


@pytest.mark.parametrize(("name", "content", "message"), BROKEN.values(), ids=BROKEN)
def test_other_files_are_refused(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_ids(tmp_path / name)
    with pytest.raises(DataError, match="cannot be read"):
        read_ids(tmp_path / "gone.txt")


def leak(train: Path, test: Path, *options: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["data", "leak", str(train), str(test), *options])
    return done.exit_code, done.stdout


def test_a_leak_is_found_in_any_spelling_and_left_out_on_demand(tmp_path: Path) -> None:
    train, test = tmp_path / "train.csv", tmp_path / "test.json"
    train.write_text(f'{A},"a, b"\nclip00bbbbb_20000_30000,dog\n{C},cat\n{B},dog\n')
    test.write_text(json.dumps([{"file": B}, {"file": "elsewhere_00_000001"}]))
    code, shown = leak(train, test, "--write", str(tmp_path / "clean.csv"))
    assert code == 1
    assert "1 of the 2 clips of test.json are in train.csv: 2 of its 4 lines." in shown
    assert (tmp_path / "clean.csv").read_text() == f'{A},"a, b"\n{C},cat\n'
    assert leak(tmp_path / "clean.csv", test) == (
        0,
        "0 of the 2 clips of test.json are in clean.csv: 0 of its 2 lines.\n",
    )


def test_what_is_left_keeps_the_format_of_the_list(tmp_path: Path) -> None:
    (tmp_path / "test.txt").write_text(f"{B}\n")
    (tmp_path / "table.csv").write_text(f"video,audio,label\n{A},{B},x\n{C},{C},x\n")
    (tmp_path / "train.json").write_text(json.dumps([{"file": A, "class": "x"}, {"file": B, "class": "y"}]))
    leak(tmp_path / "table.csv", tmp_path / "test.txt", "--write", str(tmp_path / "clean"))
    assert (tmp_path / "clean").read_text() == f"video,audio,label\n{C},{C},x\n"
    leak(tmp_path / "train.json", tmp_path / "test.txt", "--write", str(tmp_path / "clean"))
    assert json.loads((tmp_path / "clean").read_text()) == [{"file": A, "class": "x"}]


IDS = st.lists(st.sampled_from("abcdefgh"), max_size=12)


@given(IDS, IDS)
def test_every_line_leaks_or_is_clean(train: list[str], test: list[str]) -> None:
    lists = [IdList(Path("l.txt"), tuple(Row((name,), name) for name in names)) for names in (train, test)]
    overlap = find_leak(lists[0], lists[1], str.upper)
    assert sorted(row.entry for row in overlap.leaking + overlap.clean) == sorted(train)
    assert {row.entry for row in overlap.leaking} == set(train) & set(test)
    assert (overlap.leaked_clips, overlap.test_clips) == (len(set(train) & set(test)), len(set(test)))


def test_all_benchmarks_together_spell_ids(registry: Registry) -> None:
    spell = common_spelling(registry)
    assert spell("zpWuikVorYg_32000_42000") == spell("zpWuikVorYg_32") == "zpWuikVorYg_000032"
    assert spell("anything else") == "anything else"


def test_the_published_lists(shared: Path) -> None:
    vggss = shared / "metadata" / "vggss"
    code, shown = leak(vggss / "acl_train_vggss_10k.csv", vggss / "vggss_test.csv")
    assert (code, shown.split(" clips")[0]) == (0, "0 of the 5,158")
    code, shown = leak(vggss / "vggss.json", vggss / "sspl_vggss_test_4692.csv")
    assert (code, shown.split(" clips")[0]) == (1, "4,692 of the 4,692")
