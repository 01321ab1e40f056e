"""Dumps give the scores of the run again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from avprompt.errors import DataError
from avprompt.evaluation.score import score
from avprompt.records import Split
from avprompt.runs.dump import PredictionWriter
from avprompt.runs.predictions import measure_dump
from tinyworld.bench import Bench
from tinyworld.benchmark import Broken, Tiny


def test_a_dump_measures_as_the_run_did(bench: Bench, tmp_path: Path) -> None:
    evaluator = bench.evaluator(bench.method("oracle"))
    split = Broken().split("test")
    measured = evaluator.measure(split, altered=True, write=PredictionWriter(tmp_path / "dump").write)
    again = measure_dump(tmp_path / "dump", split, evaluator.protocols)
    assert again.ids == measured.ids
    assert again.labels == measured.labels
    assert again.distractor_rows == measured.distractor_rows
    assert {k: missing.id for k, missing in again.missing.items()} == {1: "test-1", 3: "test-3"}
    assert again.missing.keys() == measured.missing.keys()
    assert again.values.keys() == measured.values.keys()
    for condition in ("true", "shuffled", "distractor/on-distractor", "text-prompt"):
        key = condition, "val-threshold"
        np.testing.assert_allclose(again.values[key]["iou"], measured.values[key]["iou"], atol=0.02)


def test_a_dump_holds_altered_contexts(bench: Bench, tmp_path: Path) -> None:
    evaluator, split = bench.evaluator(bench.method("souple")), Tiny().split("test")
    measured = evaluator.measure(split, altered=True, write=PredictionWriter(tmp_path / "dump").write)
    again = measure_dump(tmp_path / "dump", split, evaluator.protocols)
    assert again.values.keys() == measured.values.keys()
    ours, theirs = (score(of, None, evaluator.protocols).context_reliance for of in (measured, again))
    assert ours == theirs
    assert set(ours) == {"other", "mean", "blank"}


def test_a_dump_of_another_benchmark_is_refused(bench: Bench, tmp_path: Path) -> None:
    evaluator = bench.evaluator(bench.method("oracle"))
    write = PredictionWriter(tmp_path / "dump").write
    evaluator.measure(Tiny().split("test"), altered=False, write=write)
    strange = Split([replace(sample, id="other") for sample in Tiny().split("test").samples], 6)
    with pytest.raises(DataError, match="has 'test-0', which this split of the dataset has not"):
        measure_dump(tmp_path / "dump", strange, evaluator.protocols)
    with pytest.raises(DataError, match="holds no predictions"):
        measure_dump(tmp_path / "nothing", Tiny().split("test"), evaluator.protocols)
