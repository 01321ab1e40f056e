"""Which runs may stand in one table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from avprompt.errors import AvpromptError, ConfigError, DataError
from avprompt.evaluation.truths import digests
from avprompt.records import GroundTruth
from avprompt.runs.comparable import check_comparable, missing_splits
from avprompt.runs.compared_method import ComparedMethod
from avprompt.runs.recipe import Recipe
from avprompt.runs.results import VALIDATION, Counts, write_rows
from tinyworld.runs import run_result

IDS = ["a", "b", "c", "d"]


def scored(
    folder: Path, ids: Sequence[str] = IDS, *, side: int = 1, validation: str = "v", **changes: Any
) -> ComparedMethod:
    """A finished run on samples whose truths are boxes of so many pixels."""
    mask = np.zeros((4, 4), dtype=np.float32)
    mask[:side, :side] = 1
    result = run_result(
        samples={"test": Counts(used=len(ids), expected=len(ids))},
        scores={"test": {"val-threshold": {"cIoU": 50.0}}},
        digests={
            "test": digests(ids, [GroundTruth(mask)] * len(ids)),
            VALIDATION: digests([validation], [GroundTruth(mask)]),
        },
    ).model_copy(update=changes)
    folder.mkdir(parents=True)
    write_rows(folder / "samples.csv", [{"split": "test", "id": name} for name in ids], ["split", "id"])
    return ComparedMethod(folder.name, (folder,), (result,), finished=True)


def made_with(method: ComparedMethod, *, asked: bool = False, **options: Any) -> ComparedMethod:
    """The same method with other options of its recipe, which its user asked for or not."""
    vars(method)["recipe"] = Recipe(options, options if asked else {})
    return method


def test_the_same_samples_and_truths(tmp_path: Path) -> None:
    check_comparable([scored(tmp_path / "x"), scored(tmp_path / "y", IDS[::-1])], allow_different=False)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"ids": ["a", "b", "c", "e"]},
            r"Only '.*x' has d\. Only '.*y' has e\. Score both on the same clips",
        ),
        ({"ids": ["a", "b", "c"]}, r"different samples of 'test'\. Only '.*x' has d\. Score both"),
        (
            {"ids": ["e", "f", "g", "h", "i"]},
            r"Only '.*x' has a, b, c and 1 more\. Only '.*y' has e, f, g and",
        ),
        ({"side": 2}, "same samples of 'test' against different truths"),
        (
            {"validation": "w"},
            "thresholds were chosen on different samples or truths",
        ),
        ({"digests": {}}, r"y' keeps no digest of its samples.* Score it again with `avprompt evaluate .*y`"),
        ({"dataset": "vggss"}, r"their dataset differ \(toy and vggss\)"),
        ({"headline": ("acl-sweep", "cIoU")}, "their headline differ"),
        ({"samples": {"test": Counts(used=4, expected=9)}}, "their samples differ"),
        ({"scores": {"val": {}}}, "no split that all have scored: 'x' has test, 'y' has val. Score one"),
        ({"scores": {}}, "'y' has no scores to compare"),
    ],
)
@pytest.mark.parametrize("allow_different", [False, True])
def test_other_data_is_always_refused(
    tmp_path: Path, changes: dict[str, Any], message: str, allow_different: bool
) -> None:
    methods = [scored(tmp_path / "x"), scored(tmp_path / "y", **changes)]
    with pytest.raises(DataError, match=message):
        check_comparable(methods, allow_different=allow_different)


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"seed": 1}, r"seed \(0 and 1\)"), ({"encoders": "published"}, r"encoders \(mini and published\)")],
)
def test_other_recipes_are_refused_unless_they_are_asked_for(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    methods = [scored(tmp_path / "x"), scored(tmp_path / "y", **changes)]
    check_comparable(methods, allow_different=True)
    with pytest.raises(AvpromptError, match=f"'x' and 'y' were not made alike: {message}"):
        check_comparable(methods, allow_different=False)


class TestAcrossEncoders:
    """Only what comes with other encoders may differ."""

    PUBLISHED: ClassVar = {"encoders": "published"}

    def test_is_named_where_it_is_not_asked_for(self, tmp_path: Path) -> None:
        methods = [scored(tmp_path / "x"), scored(tmp_path / "y", **self.PUBLISHED)]
        with pytest.raises(ConfigError, match="alike, add --across encoders to compare"):
            check_comparable(methods)
        with pytest.raises(ConfigError, match="Make them alike, or add --allow-different"):
            check_comparable([methods[0], scored(tmp_path / "z", seed=1)])

    def test_encoders_and_the_recipe_that_comes_with_them_differ(self, tmp_path: Path) -> None:
        mini = made_with(scored(tmp_path / "x"), encoders="mini", steps=300, **{"backbone.name": "mini-clip"})
        published = made_with(
            scored(tmp_path / "y", **self.PUBLISHED),
            encoders="published",
            steps=None,
            **{"backbone.name": "clipseg"},
        )
        check_comparable([mini, published], across="encoders")

    def test_runs_of_one_method_and_set_still_share_their_recipe(self, tmp_path: Path) -> None:
        runs = [
            made_with(scored(tmp_path / name), encoders="mini", steps=steps)
            for name, steps in (("x", 3), ("y", 5))
        ]
        with pytest.raises(ConfigError, match=r"alike: steps \(3 and 5\)"):
            check_comparable(runs, across="encoders")

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"seed": 1}, r"alike: seed \(0 and 1\)\. Make them alike, or add --allow"),
            ({"side": 2}, "same samples of 'test' against different truths"),
            ({"validation": "w"}, "thresholds were chosen on different samples or truths"),
            ({"headline": ("acl-sweep", "cIoU")}, "their headline differ"),
        ],
    )
    def test_nothing_else_differs(self, tmp_path: Path, changes: dict[str, Any], message: str) -> None:
        methods = [scored(tmp_path / "x"), scored(tmp_path / "y", **self.PUBLISHED | changes)]
        with pytest.raises(AvpromptError, match=message):
            check_comparable(methods, across="encoders")

    def test_training_that_was_asked_for_differs_in_nothing(self, tmp_path: Path) -> None:
        methods = [
            made_with(scored(tmp_path / name, encoders=encoders), encoders=encoders, steps=steps, asked=True)
            for name, encoders, steps in (("x", "mini", 3), ("y", "published", 5))
        ]
        with pytest.raises(ConfigError, match=r"alike: steps \(3 and 5\)"):
            check_comparable(methods, across="encoders")


def test_runs_of_one_method_are_not_named_twice(tmp_path: Path) -> None:
    first, second = (scored(tmp_path / name, side=side) for name, side in (("x", 1), ("y", 2)))
    method = ComparedMethod("x", first.folders + second.folders, first.results + second.results)
    with pytest.raises(DataError, match=r"^The runs of 'x' cannot stand in one table: they scored the same"):
        check_comparable([method])


def test_what_trains_nothing_lets_no_others_differ(tmp_path: Path) -> None:
    untrained = made_with(scored(tmp_path / "x", method="untrained"), encoders="mini")
    short, long = (
        made_with(scored(tmp_path / name, method=name), encoders="mini", steps=steps, asked=True)
        for name, steps in (("y", 3), ("z", 5))
    )
    check_comparable([untrained, short])
    with pytest.raises(ConfigError, match=r"'y' and 'z' were not made alike: steps \(3 and 5\)"):
        check_comparable([untrained, short, long])


class TestSplits:
    """Every split that all have scored is compared, or those that are asked for."""

    @staticmethod
    def scored_on(folder: Path, sides: dict[str, int]) -> ComparedMethod:
        """A finished run on splits whose truths are boxes of so many pixels."""
        parts = {name: scored(folder / name, side=side).results[0] for name, side in sides.items()}
        tables = {
            table: {name: getattr(part, table)["test"] for name, part in parts.items()}
            for table in ("samples", "scores", "digests")
        }
        result = run_result(**tables)
        return ComparedMethod(folder.name, (folder,), (result,), finished=True)

    def test_of_all_are_checked(self, tmp_path: Path) -> None:
        reference = self.scored_on(tmp_path / "x", {"heard": 1, "unheard": 1})
        other = self.scored_on(tmp_path / "y", {"heard": 1, "unheard": 2})
        with pytest.raises(DataError, match="same samples of 'unheard' against different truths"):
            check_comparable([reference, other])
        check_comparable([reference, other], ["heard"])

    def test_of_some_are_named(self, tmp_path: Path) -> None:
        reference = self.scored_on(tmp_path / "x", {"heard": 1, "unheard": 1})
        other = self.scored_on(tmp_path / "y", {"unheard": 1})
        check_comparable([reference, other])
        assert missing_splits([reference, other]) == {"heard": ["y"], "unheard": []}
        with pytest.raises(
            DataError,
            match=r"y' has no scores of 'heard', only of unheard: `avprompt.* --split heard`",
        ):
            check_comparable([reference, other], ["heard"])
