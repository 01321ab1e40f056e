"""Which runs may stand in one table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avprompt.errors import AvpromptError, DataError
from avprompt.evaluation.truths import digests
from avprompt.records import GroundTruth
from avprompt.runs.comparable import check_comparable
from avprompt.runs.comparison import ComparedMethod
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
        ({"scores": {"val": {}}}, "has no scores of the split 'test'"),
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
