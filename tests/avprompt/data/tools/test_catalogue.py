"""The list of benchmarks, for people and for programs; floors and ceilings need the annotation alone."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from avprompt.cli import main
from avprompt.data.benchmark import BenchmarkAdapter
from avprompt.data.tools.catalogue import bounds, headline
from avprompt.errors import DataError
from avprompt.metrics.val_threshold import ValThreshold
from avprompt.records import Split
from avprompt.registry import Registry
from mediafiles import IDS, annotate


def shown(*arguments: str) -> str:
    done = CliRunner().invoke(main, ["data", "list", *arguments], env={"COLUMNS": "250"})
    assert done.exit_code == 0, done.output
    return done.stdout


def test_every_benchmark_is_listed(registry: Registry) -> None:
    listed = {benchmark["name"]: benchmark for benchmark in json.loads(shown("--json"))}
    assert sorted(listed) == registry.names("datasets")
    assert listed["vggss"]["splits"] == {"test": 5158}
    assert listed["toy"]["splits"] == {"test": 500}, "made on the fly, and counted all the same"
    assert "frames/<id>.jpg" in listed["vggss"]["source"]
    for name, benchmark in listed.items():
        assert all(benchmark[fact] for fact in ("title", "splits", "licence", "source", "citation")), name


def test_a_line_for_each_and_everything_of_one() -> None:
    assert "test 5,158" in shown()
    everything = shown("vggss")
    for line in ("frames/<id>.jpg", "CC BY 4.0", "CVPR 2021", "12 boxes hold absurd numbers"):
        assert line in everything


def test_an_unknown_benchmark_is_no_riddle() -> None:
    done = CliRunner().invoke(main, ["data", "list", "vgss"])
    assert done.exit_code == 1
    assert "Did you mean 'vggss'?" in done.output


def test_without_media_half_of_the_image_is_the_oracle_of_a_half_image_box(
    root: Path, vggss: type[BenchmarkAdapter]
) -> None:
    annotate(root, {name: [[0, 0, 0.5, 1]] for name in IDS})
    for folder in ("frames", "audio"):
        shutil.rmtree(root / folder)
    split = bounds(vggss(root), "test", ValThreshold())
    assert (split.samples, split.official) == (4, 5158)
    assert split.floors["whole-image"] == {"cIoU": 100.0, "AUC": pytest.approx(100 * (10.5 / 20))}
    assert split.floors["mean-truth"]["cIoU"] == 100
    assert split.floors["centre-disc"]["cIoU"] == 0
    assert split.ceilings["oracle-ranking"]["AUC"] == 100


def test_the_command_prints_floors_and_ceilings(root: Path) -> None:
    done = CliRunner().invoke(main, ["data", "floors", "vggss", "--data-root", str(root), "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["test"]["samples"] == 4
    table = CliRunner().invoke(main, ["data", "floors", "vggss", "--data-root", str(root)])
    assert "ceiling: oracle-ranking" in table.stdout


def test_bounds_are_in_the_measure_of_the_benchmark(registry: Registry) -> None:
    protocol = headline(registry, registry.load("datasets", "toy-crowd")())
    assert protocol.name == "each-source"
    done = CliRunner().invoke(main, ["data", "floors", "toy-crowd", "--split", "validation"])
    assert "under each-source" in done.stdout
    assert "floor: all-objects" in done.stdout


class Unannotated(BenchmarkAdapter):
    title = "Nothing"
    needs_root = False

    def split(self, name: str) -> Split:
        return Split([], expected=0)


def test_training_clips_have_no_floors(root: Path, vggss: type[BenchmarkAdapter]) -> None:
    with pytest.raises(DataError, match="no annotated sample in 'train'"):
        bounds(vggss(root), "train", ValThreshold())
    with pytest.raises(DataError, match="has no annotated sample in 'test'"):
        bounds(Unannotated(), "test", ValThreshold())


def test_an_official_annotation(shared: Path, registry: Registry) -> None:
    adapter = registry.load("datasets", "vpo-ss")(shared / "metadata" / "vpo")
    assert headline(registry, adapter).name == "val-threshold", "annotations know nothing of groups"
    split = bounds(adapter, "test", headline(registry, adapter))
    scores = split.ceilings["oracle-ranking"]
    np.testing.assert_allclose([scores["cIoU"], scores["AUC"]], (43.26, 39.52), atol=0.05)
    assert split.samples == split.official


def test_no_data_tool_needs_torch() -> None:
    modules = "check", "prepare", "pack", "leak", "catalogue"
    tables = "avprompt.cli.tables.data", "avprompt.runs.progress"
    names = *(f"avprompt.data.tools.{name}" for name in modules), *tables
    code = f"import sys, {', '.join(names)}; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
