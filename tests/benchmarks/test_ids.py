"""One clip under the names that repositories give it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avprompt_benchmarks.ids import avsbench_id, image_id, vggsound_id

VIDEO = st.text("abcXYZ019-_", min_size=11, max_size=11)


SPELLINGS = (
    *("zpWuikVorYg_000032", "zpWuikVorYg_32", "zpWuikVorYg_32.0", "zpWuikVorYg_32000_42000"),
    *("zpWuikVorYg_32_42", "zpWuikVorYg_32.000_42.000"),
)


@pytest.mark.parametrize("name", SPELLINGS)
def test_every_spelling_of_a_clip_becomes_one(name: str) -> None:
    assert vggsound_id(name) == "zpWuikVorYg_000032"


def test_a_video_may_have_underscores_in_its_name() -> None:
    assert vggsound_id("-_a_1_2_3_4_30000_40000") == "-_a_1_2_3_4_000030"
    assert vggsound_id("-_a_1_2_3_4_000030") == "-_a_1_2_3_4_000030"


@pytest.mark.parametrize(
    "name", ["stamp01seagullxx_000015", "dog", "zpWuikVorYg", "zpWuikVorYg_x", "rq5RDUm2Hnk_1_3"]
)
def test_other_names_stay_as_they_are(name: str) -> None:
    assert vggsound_id(name) == name


@given(VIDEO, st.integers(0, 99999))
def test_spellings_lead_back_to_each_other(video: str, start: int) -> None:
    name = f"{video}_{start:06d}"
    milliseconds = f"{video}_{1000 * start}_{1000 * (start + 10)}"
    assert vggsound_id(milliseconds) == vggsound_id(name) == name


@given(VIDEO, st.integers(0, 99_999_999), st.sampled_from((1, 10, 100, 1000)))
def test_a_start_may_be_a_fraction_of_a_second(video: str, start: int, parts: int) -> None:
    """16.1 - 6.1 is not 10 in floats."""
    spelled = f"{video}_{start / parts:.3f}_{start / parts + 10:.3f}"
    assert vggsound_id(spelled) == f"{video}_{start // parts:06d}"
    assert vggsound_id("abcdefghijk_6.100_16.100") == "abcdefghijk_000006"


def test_ms3_has_mp4_in_its_file_names() -> None:
    assert avsbench_id("rq5RDUm2Hnk_1.mp4_3") == avsbench_id("rq5RDUm2Hnk_1_3") == "rq5RDUm2Hnk_1_3"
    assert avsbench_id("clip") == "clip"


def test_an_image_is_named_before_its_sound() -> None:
    assert image_id("acoustic_dog_10438_dog") == "acoustic_dog_10438"
    assert image_id("000000489267_157452") == "000000489267"
