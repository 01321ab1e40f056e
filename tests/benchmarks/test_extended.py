"""The extended sets: positives of the ordinary benchmark, then pairs with a foreign sound."""

from __future__ import annotations

from pathlib import Path

import pytest

from avprompt.errors import DataError
from avprompt_benchmarks.extended import FlickrExtended, VGGSSExtended
from layouts.flickr import AGREED, ALONE, BROKEN, ODD, TYPO, flickr_extended
from layouts.vggss import ABSENT, EMPTY, GARBAGE, KAIST, STEREO, TWO, vggss, vggss_extended

OUTSIDE = "outside__aa_000005"


def test_negatives_follow_positives(tmp_path: Path) -> None:
    split = VGGSSExtended(vggss_extended(tmp_path)).split("test")
    positives, negatives = split.samples[:5], split.samples[5:]
    assert [sample.id for sample in positives] == [TWO, GARBAGE, EMPTY, STEREO, KAIST]
    assert [sample.id for sample in negatives] == [
        f"{TWO}+{GARBAGE}",
        f"{OUTSIDE}+{OUTSIDE}",
        f"{STEREO}+{ABSENT}",
    ]
    assert split.expected == 8 + 4
    assert split.missing[-1].id == f"{ABSENT}+{TWO}"


def test_a_negative_has_the_picture_of_one_and_the_sound_of_another(tmp_path: Path) -> None:
    sample = VGGSSExtended(vggss_extended(tmp_path)).split("test").samples[5]
    assert (sample.image, sample.audio) == (tmp_path / f"frames/{TWO}.jpg", tmp_path / f"audio/{GARBAGE}.wav")


def test_nothing_sounds_in_a_negative(tmp_path: Path) -> None:
    """A positive without a whole box is marked nowhere too, and still counts as sounding."""
    samples = {sample.id: sample for sample in VGGSSExtended(vggss_extended(tmp_path)).split("test").samples}
    assert not samples[f"{TWO}+{GARBAGE}"].sounding
    assert not samples[f"{TWO}+{GARBAGE}"].truth.mask.any()
    assert samples[EMPTY].sounding
    assert not samples[EMPTY].truth.mask.any()


def test_files_may_be_where_acl_has_them(tmp_path: Path) -> None:
    sample = VGGSSExtended(vggss_extended(tmp_path)).split("test").samples[6]
    assert sample.image == tmp_path / f"extend_frames/{OUTSIDE}.jpg"


def test_training_is_the_ordinary_benchmarks(tmp_path: Path) -> None:
    extended = VGGSSExtended(vggss_extended(tmp_path))
    assert [sample.id for sample in extended.split("train").samples] == [TWO, STEREO, GARBAGE]
    assert any("training list vggss_10k.txt" in note for note in extended.notes)


def test_a_list_of_negatives_is_needed(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no vggss_test_plus_silent.csv"):
        VGGSSExtended(vggss(tmp_path)).split("test")


@pytest.mark.parametrize(
    "pair", [f"{TWO[:11]}_30000_40000,{GARBAGE[:11]}_10", f"frames/{TWO}.jpg,{GARBAGE}.wav"]
)
def test_negatives_may_be_spelled_as_any_list(pair: str, tmp_path: Path) -> None:
    root = vggss_extended(tmp_path)
    (root / "vggss_test_plus_silent.csv").write_text(f"\ufeff# video, audio, label\n{pair}, non-sounding\n")
    assert VGGSSExtended(root).split("test").samples[5].id == f"{TWO}+{GARBAGE}"


def test_a_list_without_negatives_is_refused(tmp_path: Path) -> None:
    root = vggss_extended(tmp_path)
    (root / "vggss_test_plus_silent.csv").write_text(f"video,audio,label\n{TWO},{GARBAGE},sounding\n")
    with pytest.raises(DataError, match="has no line whose label is 'non-sounding'"):
        VGGSSExtended(root).split("test")


@pytest.mark.parametrize("line", [f"{TWO},{GARBAGE}", f"{TWO},non-sounding", f"{TWO},{GARBAGE},7"])
def test_a_line_that_is_no_labelled_pair_is_named(line: str, tmp_path: Path) -> None:
    path = vggss_extended(tmp_path) / "vggss_test_plus_silent.csv"
    path.write_text(f"video,audio,label\n{TWO},{GARBAGE},non-sounding\n{line}\n")
    with pytest.raises(DataError, match=f"has a line that is no video,audio,label: '{line}'"):
        VGGSSExtended(tmp_path).split("test")


def test_flickr_negatives_may_name_the_clip_that_is_not_there(tmp_path: Path) -> None:
    split = FlickrExtended(flickr_extended(tmp_path)).split("test")
    assert [sample.id for sample in split.samples] == [AGREED, ALONE, ODD, f"{AGREED}+{ALONE}"]
    assert [missing.id for missing in split.missing] == [BROKEN, TYPO, f"{TYPO}+{AGREED}"]
