"""Seeds of a method together, and side by side only what means the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from avprompt.errors import ConfigError
from avprompt.report.leaderboard import leaderboards
from avprompt.report.seeds import group_seeds
from avprompt.runs.results import FORMAT, VALIDATION, Counts, write_results, write_rows
from tinyworld.runs import run_result

DIGESTS = {"test": {"ids": "a", "truths": "b"}, VALIDATION: {"ids": "c", "truths": "d"}}


def scored(folder: Path, method: str, hits: int, *, seed: int = 0, **told: Any) -> Path:
    """A run that finds so many of four clips."""
    folder.mkdir(parents=True)
    score = 25.0 * hits
    result = run_result(
        method=method,
        seed=seed,
        format=FORMAT,
        samples={"test": Counts(used=4, expected=4)},
        scores={"test": {"val-threshold": {"cIoU": score, "AUC": score / 2}, "other": {"cIoU": 100 - score}}},
        floors={"test": {"random-object": {"cIoU": 30.0}}},
        audio_reliance={"test": {"shuffled": {"cIoU": 12.5}}},
        intervals={"test": {"val-threshold": {"cIoU": (1.0, 99.0)}}},
        digests=told.pop("digests", DIGESTS),
        **told,
    )
    write_results(result, folder)
    rows = [
        {"split": "test", "id": f"clip-{k}", "val-threshold": 100.0 * (k < hits), "confidence": 0}
        for k in range(4)
    ]
    write_rows(folder / "samples.csv", rows, [*rows[0]])
    return folder


def test_seeds_of_a_method_are_one_row_with_mean_and_spread(tmp_path: Path) -> None:
    runs = [scored(tmp_path / f"a{seed}", "souple", seed + 1, seed=seed) for seed in (2, 0)]
    (board,) = leaderboards(group_seeds(runs))
    (entry,) = board.entries
    assert entry.method.seeds == (0, 2)
    assert entry.score == "50.0 ± 35.4", "25 and 75, sample standard deviation"
    assert entry.value == 50.0
    assert entry.interval == "", "the interval of one run is not that of two"


def test_the_best_comes_first_and_others_are_told_how_far_they_are(tmp_path: Path) -> None:
    runs = [scored(tmp_path / name, name, hits) for name, hits in (("weak", 1), ("strong", 3))]
    (board,) = leaderboards(group_seeds(runs))
    strong, weak = board.entries
    assert (strong.method.name, strong.change, strong.interval) == ("strong", "", "1.0 .. 99.0")
    assert weak.change.startswith("-50.0 (")
    assert board.head == ("AUC", "shuffled sound")
    assert weak.cells == ("12.50", "12.50")
    assert board.bounds == [("floor: random-object", "30.00")]


def test_a_seed_twice_is_no_spread(tmp_path: Path) -> None:
    runs = [scored(tmp_path / name / "run", "souple", 2, seed=5) for name in ("x", "y")]
    methods = group_seeds(runs)
    assert [method.name for method in methods] == ["souple (x/run)", "souple (y/run)"]
    assert [method.seeds for method in methods] == [(5,), (5,)]


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (
            {"digests": DIGESTS | {"test": {"ids": "z", "truths": "b"}}},
            "they scored different samples of 'test'",
        ),
        ({"digests": DIGESTS | {"test": {"ids": "a", "truths": "z"}}}, "against different truths"),
        (
            {"digests": DIGESTS | {VALIDATION: {"ids": "c", "truths": "z"}}},
            "thresholds were chosen on different",
        ),
        ({"digests": {}}, "keeps no digest of its samples"),
        ({"headline": ("other", "cIoU")}, "their headline differ"),
    ],
)
def test_what_means_something_else_has_a_board_of_its_own(
    tmp_path: Path, told: dict[str, Any], reason: str
) -> None:
    runs = [scored(tmp_path / "a", "first", 2), scored(tmp_path / "b", "second", 3, **told)]
    first, second = leaderboards(group_seeds(runs))
    assert [entry.method.name for entry in first.entries] == ["first"]
    assert first.apart == ""
    assert reason in second.apart


def test_other_datasets_are_other_boards(tmp_path: Path) -> None:
    runs = [scored(tmp_path / name, "souple", 2, dataset=name) for name in ("toy", "toy-vague")]
    assert [board.table.dataset for board in leaderboards(group_seeds(runs))] == ["toy", "toy-vague"]


def test_another_protocol_ranks_without_what_belongs_to_the_headline(tmp_path: Path) -> None:
    runs = [scored(tmp_path / name, name, hits) for name, hits in (("weak", 1), ("strong", 3))]
    (board,) = leaderboards(group_seeds(runs), protocol="other")
    assert [(entry.method.name, entry.score) for entry in board.entries] == [
        ("weak", "75.00"),
        ("strong", "25.00"),
    ]
    assert (board.head, board.bounds) == ((), [])
    assert "are left out" in board.table.notes[0]
    assert "`avprompt evaluate RUN --protocol other`" in board.table.notes[0]


@pytest.mark.parametrize("asked", [{"protocol": "gone"}, {"splits": ["gone"]}])
def test_what_no_run_has_scored_is_an_error(tmp_path: Path, asked: dict[str, Any]) -> None:
    methods = group_seeds([scored(tmp_path / "a", "souple", 2)])
    with pytest.raises(ConfigError, match=r"'gone'.*splits test; .*`avprompt evaluate RUN"):
        leaderboards(methods, **asked)
