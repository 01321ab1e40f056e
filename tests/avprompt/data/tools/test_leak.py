"""The clips of one list inside another, however either spells them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from avprompt.cli import main
from avprompt.data.lists import ClipList, ListedClip, read_list
from avprompt.data.tools.leak import common_spelling, find_leak
from avprompt.errors import DataError
from avprompt.registry import Registry

A, B, C = "clip00aaaaa_000001", "clip00bbbbb_000020", "-lip00ccccc_000300"


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
        "0 of the 2 clips of test.json are in clean.csv: 0 of its 2 lines.\n"
        f"  clean.csv names clips such as {A}, test.json such as {B}.\n",
    )


def test_what_is_left_keeps_the_format_of_the_list(tmp_path: Path) -> None:
    (tmp_path / "test.txt").write_text(f"{B}\n")
    (tmp_path / "table.csv").write_text(f"video,audio,label\n{A},{B},x\n{C},{C},x\n")
    (tmp_path / "train.json").write_text(json.dumps([{"file": A, "class": "x"}, {"file": B, "class": "y"}]))
    leak(tmp_path / "table.csv", tmp_path / "test.txt", "--write", str(tmp_path / "clean"))
    assert (tmp_path / "clean").read_text() == f"video,audio,label\n{C},{C},x\n"
    leak(tmp_path / "train.json", tmp_path / "test.txt", "--write", str(tmp_path / "clean"))
    assert json.loads((tmp_path / "clean").read_text()) == [{"file": A, "class": "x"}]


IDS = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=12)


@given(IDS, IDS)
def test_every_line_leaks_or_is_clean(train: list[str], test: list[str]) -> None:
    train_list, test_list = (
        ClipList(Path("l.txt"), tuple(ListedClip((name,), entry=name) for name in names))
        for names in (train, test)
    )
    overlap = find_leak(train_list, test_list, str.upper)
    assert sorted(clip.entry for clip in overlap.leaking + overlap.clean) == sorted(train)
    assert {clip.entry for clip in overlap.leaking} == set(train) & set(test)
    assert (overlap.leaked_clips, overlap.test_clips) == (len(set(train) & set(test)), len(set(test)))


OFFICIAL = f'{A[:11]},1,"rowboat, canoe",train\n{B[:11]},20,dog,train\n{C[:11]},300,cat,train\n'
SPELLINGS = {
    "VGGSound's own csv": ("vggsound.csv", OFFICIAL),
    "with a commented header": ("l.csv", f"# YouTube ID, start seconds, label, train/test split\n{OFFICIAL}"),
    "with a header": ("l.csv", f"youtube_id,start_seconds,label,split\n{OFFICIAL}"),
    "with decimals": ("l.csv", f"{A[:11]},1.0,x\n{B[:11]},20.000,x\n{C[:11]},300.00,x\n"),
    "joined": ("l.txt", f"{A[:11]}_1\n{B[:11]}_20\n{C[:11]}_300\n"),
    "milliseconds": ("l.txt", f"{A[:11]}_1000_11000\n{B[:11]}_20000_30000\n{C[:11]}_300000_310000\n"),
    "as AudioSet": ("l.txt", f"{A[:11]}_1.000_11.000\n{B[:11]}_20.000_30.000\n{C[:11]}_300.000_310.000\n"),
    "files, written by Windows": ("l.txt", f"\ufeffd\\{A}.mp4\r\nd\\{B}.mp4\r\n\r\nd\\{C}.mp4\r\n"),
}


@pytest.mark.parametrize(("name", "text"), SPELLINGS.values(), ids=SPELLINGS)
def test_clips_are_found_in_every_format_of_the_field(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / "test.csv").write_text(f"{C},cat\n{A},dog\n")
    (tmp_path / name).write_bytes(text.encode())
    code, shown = leak(tmp_path / name, tmp_path / "test.csv")
    assert (code, shown.partition(":")[0]) == (1, f"2 of the 2 clips of test.csv are in {name}")


@pytest.mark.parametrize(
    ("train", "test"),
    [
        (f"{A[:11]}\n{B[:11]}\n", f"{A}\n{B}\n"),  # videos without a start
        ("10000130166,202\n", f"{A}\n"),
        ("rq5RDUm2Hnk_1_3\nrq5RDUm2Hnk_1_4\n", f"{A}\n"),
    ],
)
def test_lists_that_cannot_match_are_refused_with_a_line_of_each(
    train: str, test: str, tmp_path: Path, registry: Registry
) -> None:
    (tmp_path / "train.csv").write_text(train)
    (tmp_path / "test.csv").write_text(test)
    lists = read_list(tmp_path / "train.csv"), read_list(tmp_path / "test.csv")
    first, second = (clips.clips[0].id for clips in lists)
    with pytest.raises(DataError, match=f"in different ways, '{first}' and '{second}'"):
        find_leak(*lists, common_spelling(registry))


def test_an_empty_list_is_refused(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("id,label\n")
    (tmp_path / "test.csv").write_text(f"{A}\n")
    lists = read_list(tmp_path / "train.csv"), read_list(tmp_path / "test.csv")
    with pytest.raises(DataError, match=r"train\.csv' names no clip"):
        find_leak(*lists, str)


def test_frames_of_one_clip_stay_apart(registry: Registry) -> None:
    """MS3 names frames by two numbers, which are no milliseconds."""
    spell = common_spelling(registry)
    frames = [f"rq5RDUm2Hnk_1_{number}" for number in range(1, 6)]
    assert [spell(frame) for frame in frames] == frames
    assert spell("rq5RDUm2Hnk_1.mp4_3") == frames[2]


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
