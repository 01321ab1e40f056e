"""What was measured on splits becomes scores, counts and tables."""

from __future__ import annotations

from pathlib import Path

from avprompt.records import Missing
from avprompt.runs.assessment import assess
from avprompt.runs.directory import RunDirectory
from avprompt.runs.results import read_skipped
from tinyworld.bench import Bench
from tinyworld.benchmark import Broken
from tinyworld.runs import rows, run_result


def test_what_is_missing_is_named_and_counted(bench: Bench, tmp_path: Path) -> None:
    split, evaluator = Broken().split("test"), bench.evaluator(bench.method("oracle"), gallery=0)
    measured = evaluator.measure(split, altered=True)
    result = run_result(dataset="tiny")
    skipped = {"train": [Missing("train-0", "no sound")]}
    splits, protocols = {"test": split}, evaluator.protocols
    assess(result, RunDirectory(tmp_path), splits, {"test": measured}, None, protocols, skipped=skipped)
    assert (result.samples["test"].used, result.samples["test"].expected) == (4, 7)
    assert result.scores["test"]["acl-sweep"]["cIoU"] == 100
    named = read_skipped(tmp_path / "skipped.csv")
    assert [missing.id for missing in named["train"]] == ["train-0"]
    assert [missing.id for missing in named["test"]] == ["test-gone", "test-1", "test-3"]
    assert named["test"][0].reason == "its file was never there"
    assert [row["id"] for row in rows(tmp_path / "samples.csv")] == ["test-0", "test-2", "test-4", "test-5"]
