"""`results.json` and the csv files of a run directory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from avprompt.errors import DataError
from avprompt.records import Missing
from avprompt.runs.results import (
    Counts,
    RunResult,
    read_results,
    read_rows,
    write_results,
    write_rows,
    write_skipped,
)
from tinyworld.runs import run_result


@pytest.fixture
def result() -> RunResult:
    return run_result(
        method="souple",
        versions={"avprompt": "1"},
        samples={"test": Counts(used=2, expected=3)},
        scores={"test": {"val-threshold": {"cIoU": 100 / 3, "threshold": [0.1, 0.2]}}},
        floors={"test": {"centre-disc": {"cIoU": 1.0, "AUC": 2.0}}},
    )


def test_there_and_back(result: RunResult, tmp_path: Path) -> None:
    write_results(result, tmp_path)
    back = read_results(tmp_path)
    assert back.scores["test"]["val-threshold"] == {"cIoU": 33.3333, "threshold": [0.1, 0.2]}
    assert back.model_copy(update={"scores": result.scores, "folder": None}) == result


def test_keys_are_the_promised_ones(result: RunResult, tmp_path: Path) -> None:
    write_results(result, tmp_path)
    promised = "method dataset encoders seed trainable_parameters versions samples scores floors ceilings"
    assert set(promised.split()) | {"audio_reliance"} <= set(
        json.loads((tmp_path / "results.json").read_text())
    )


def test_bounds_of_older_releases_are_those_of_ciou(result: RunResult, tmp_path: Path) -> None:
    write_results(result, tmp_path)
    path = tmp_path / "results.json"
    tables = json.loads(path.read_text())
    path.write_text(json.dumps(tables | {"intervals": {"test": {"slavc-extended": [1.0, 2.0]}}}))
    assert read_results(tmp_path).intervals == {"test": {"slavc-extended": {"cIoU": (1.0, 2.0)}}}


def test_reliance_of_another_metric_than_the_headline_is_not_taken_for_it(result: RunResult) -> None:
    """Older releases measured cIoU under `val-threshold`, whatever the headline was."""
    older: dict[str, Any] = {"silent": {"cIoU": 4.0}, "distractor": {"on_distractor": 41.0}}
    result.audio_reliance = {"test": older}
    assert result.reliance("test") == older
    result.headline = ("slavc-extended", "AP")
    assert result.reliance("test") == {}
    assert result.reliance("another") == {}


DAMAGED = {
    "cut": b"{",
    "empty": b"",
    "no table": b"[]",
    "number": b"5",
    "no keys": b"{}",
    "binary": b"\x00\xff",
    "deep": b"[" * 100_000,
    "another": b'{"method": "x", "no such key": 1}',
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_what_is_no_result(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "results.json").write_bytes(content)
    with pytest.raises(DataError, match=r"results.json' cannot be read as results of avprompt"):
        read_results(tmp_path)


def test_a_wrong_type_is_named(result: RunResult, tmp_path: Path) -> None:
    write_results(result, tmp_path)
    tables = json.loads((tmp_path / "results.json").read_text()) | {"seed": "x", "scores": 5}
    (tmp_path / "results.json").write_text(json.dumps(tables))
    with pytest.raises(
        DataError, match=r"it.seed: Input should be a valid integer(.|\n)*it.scores: Input should"
    ):
        read_results(tmp_path)


def test_a_run_that_is_not_finished(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no finished run: there is no results.json in it"):
        read_results(tmp_path)


def test_rows(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"id": 'a,"b"', "iou": 1}, {"id": "c\nd", "iou": 2}]
    write_rows(tmp_path / "r.csv", rows, ["id", "iou"])
    assert read_rows(tmp_path / "r.csv") == [{"id": 'a,"b"', "iou": "1"}, {"id": "c\nd", "iou": "2"}]
    with pytest.raises(DataError, match=r"gone.csv' cannot be read"):
        read_rows(tmp_path / "gone.csv")


def test_skipped_samples(tmp_path: Path) -> None:
    write_skipped(tmp_path / "s.csv", {"train": [Missing("a", "no frame")], "test": []})
    assert read_rows(tmp_path / "s.csv") == [{"split": "train", "id": "a", "reason": "no frame"}]
    write_skipped(tmp_path / "none.csv", {"test": []})
    assert not (tmp_path / "none.csv").exists()
