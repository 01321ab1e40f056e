"""`results.json` and the csv files of a run directory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest

from avprompt.errors import DataError
from avprompt.records import Missing
from avprompt.runs.results import (
    FORMAT,
    OUTDATED,
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


def test_of_releases_without_altered_contexts_can_be_read(result: RunResult, tmp_path: Path) -> None:
    write_results(result, tmp_path)
    path = tmp_path / "results.json"
    tables = json.loads(path.read_text())
    del tables["context_reliance"]
    path.write_text(json.dumps(tables))
    assert read_results(tmp_path).context_reliance == {}


class TestOfOlderReleases:
    """They measured audio reliance and text-prompt under `val-threshold`, whatever the headline was."""

    TABLES: ClassVar[dict[str, Any]] = {
        "scores": {"test": {"avatar": {"cIoU": 50.0}}},
        "floors": {"test": {"whole-image": {"cIoU": 1.0}}},
        "ceilings": {"test": {"text-prompt": {"cIoU": 96.0}}},
        "audio_reliance": {"test": {"silent": {"cIoU": 4.0}}},
        "intervals": {"test": {"avatar": {"cIoU": (1.0, 2.0)}}},
    }

    def read(self, folder: Path, **told: Any) -> RunResult:
        """Read results as a release wrote them that told no format, but for what is told."""
        tables = run_result(**self.TABLES).model_dump(mode="json")
        del tables["format"]
        (folder / "results.json").write_text(json.dumps(tables | told))
        return read_results(folder)

    def test_only_the_scores_stand_for_another_headline(self, tmp_path: Path) -> None:
        result = self.read(tmp_path, headline=["avatar", "cIoU"])
        assert result.scores == self.TABLES["scores"]
        assert (result.floors, result.ceilings, result.audio_reliance, result.intervals) == ({},) * 4
        assert result.notes == [OUTDATED]
        write_results(result, tmp_path)
        assert read_results(tmp_path).notes == [OUTDATED], "it is said once"

    def test_all_stands_for_val_threshold(self, tmp_path: Path) -> None:
        result = self.read(tmp_path)
        assert result.audio_reliance == self.TABLES["audio_reliance"]
        assert result.ceilings == self.TABLES["ceilings"]
        assert not result.notes

    def test_all_stands_for_any_headline_of_this_release(self, tmp_path: Path) -> None:
        result = self.read(tmp_path, headline=["avatar", "cIoU"], format=FORMAT)
        assert result.audio_reliance == self.TABLES["audio_reliance"]
        assert not result.notes


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
