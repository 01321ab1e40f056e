"""Methods side by side on several splits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from avprompt.runs.compared_method import ComparedMethod
from avprompt.runs.results import FORMAT, OUTDATED, Counts, write_rows
from avprompt.runs.side_by_side import Comparison
from tinyworld.runs import run_result


def scored(splits: dict[str, float]) -> ComparedMethod:
    """A method with this AUC on each split."""
    result = run_result(
        samples={split: Counts(used=4, expected=4) for split in splits},
        scores={split: {"val-threshold": {"AUC": score}} for split, score in splits.items()},
        floors={split: {} for split in splits},
        ceilings={split: {} for split in splits},
    )
    return ComparedMethod("m", (Path(),), (result,))


def test_markdown_has_a_heading_for_each_of_several_splits() -> None:
    methods = (scored({"heard": 90.0, "unheard": 40.0}),)
    lines = Comparison(methods, ("heard", "unheard"), {}, Path()).to_markdown().splitlines()
    heard, unheard = lines.index("### heard"), lines.index("### unheard")
    assert lines.index("| AUC | 90.00 |") in range(heard, unheard)
    assert lines.index("| AUC | 40.00 |") > unheard
    assert lines[unheard - 1 : unheard + 3] == ["", "### unheard", "", "| Percent | m |"]


def test_markdown_of_one_split_is_its_table() -> None:
    markdown = Comparison((scored({"test": 90.0}),), ("test",), {}, Path()).to_markdown()
    assert markdown.startswith("| Percent | m |\n| --- | ---: |\n")
    assert "#" not in markdown


def counting(folder: Path, ids: str, **told: Any) -> ComparedMethod:
    """A method in whose headline these samples count."""
    of_split = {"split": "test", "avatar/cIoU": "100"}
    folder.mkdir()
    write_rows(
        folder / "samples.csv",
        [of_split | {"id": name} for name in ids],
        ["split", "id", "avatar/cIoU"],
    )
    result = run_result(headline=("avatar", "cIoU"), scores={"test": {"avatar": {"cIoU": 100.0}}}, **told)
    result.samples = {"test": Counts(used=3, expected=3)}
    return ComparedMethod(folder.name, (folder,), (result,))


def test_a_paired_interval_that_cannot_be_had_is_told(tmp_path: Path) -> None:
    all_count, two_count = (
        counting(tmp_path / name, ids, format=FORMAT) for name, ids in (("x", "abc"), ("y", "ab"))
    )
    comparison = Comparison((all_count, two_count), ("test",), {}, Path())
    assert comparison.tables["test"].difference(two_count) is None
    (note,) = comparison.notes
    assert note.startswith("'x' and 'y' have no paired interval on 'test': other samples count")
    assert Comparison((all_count, all_count), ("test",), {}, Path()).notes == []


def test_samples_of_older_releases_are_not_paired(tmp_path: Path) -> None:
    older, another = counting(tmp_path / "x", "abc"), counting(tmp_path / "y", "abc")
    comparison = Comparison((older, another), ("test",), {}, Path())
    assert comparison.tables["test"].difference(another) is None
    assert comparison.notes == [f"'x': {OUTDATED}.", f"'y': {OUTDATED}."]
    assert "floor" not in comparison.to_markdown().partition("\n\n")[0]


def test_splits_that_only_some_have_scored_are_named() -> None:
    left_out = {"unheard": ["one", "other"]}
    markdown = Comparison((scored({"test": 90.0}),), ("test",), left_out, Path()).to_markdown()
    assert markdown.endswith(" |\n\nThe split 'unheard' is left out: one, other did not score it.\n")


def test_splits_are_those_of_every_seed() -> None:
    all_splits, one = scored({"heard": 1.0, "unheard": 1.0}), scored({"heard": 1.0})
    method = ComparedMethod("m", (Path(), Path()), (*all_splits.results, *one.results))
    assert method.splits == ("heard",)
