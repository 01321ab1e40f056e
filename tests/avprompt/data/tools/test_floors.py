"""Floors and ceilings need the annotation alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from avprompt.cli import main
from avprompt.data.benchmark import BenchmarkAdapter
from avprompt.data.tools.floors import bounds
from avprompt.errors import DataError
from avprompt.records import Split
from avprompt.registry import Registry
from mediafiles import IDS, annotate


def test_without_media_half_of_the_image_is_the_oracle_of_a_half_image_box(
    root: Path, vggss: type[BenchmarkAdapter]
) -> None:
    annotate(root, {name: [[0, 0, 0.5, 1]] for name in IDS})
    for folder in ("frames", "audio"):
        shutil.rmtree(root / folder)
    found = bounds(vggss(root), "test")
    assert (found.samples, found.official) == (4, 5158)
    assert found.floors["whole-image"] == {"cIoU": 100.0, "AUC": pytest.approx(100 * (10.5 / 20))}
    assert found.floors["mean-truth"]["cIoU"] == 100
    assert found.floors["centre-disc"]["cIoU"] == 0
    assert found.ceilings["oracle-ranking"]["AUC"] == 100


def test_the_command(root: Path) -> None:
    done = CliRunner().invoke(main, ["data", "floors", "vggss", "--data-root", str(root), "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["test"]["samples"] == 4
    table = CliRunner().invoke(main, ["data", "floors", "vggss", "--data-root", str(root)])
    assert "ceiling: oracle-ranking" in table.stdout


class Unannotated(BenchmarkAdapter):
    title = "Nothing"
    needs_root = False

    def split(self, name: str) -> Split:
        return Split([], expected=0)


def test_training_clips_have_no_floors(root: Path, vggss: type[BenchmarkAdapter]) -> None:
    with pytest.raises(DataError, match="no annotated sample in 'train'"):
        bounds(vggss(root), "train")
    with pytest.raises(DataError, match="has no annotated sample in 'test'"):
        bounds(Unannotated(), "test")


def test_an_official_annotation(shared: Path, registry: Registry) -> None:
    found = bounds(registry.load("datasets", "vpo-ss")(shared / "metadata" / "vpo"), "test")
    scores = found.ceilings["oracle-ranking"]
    np.testing.assert_allclose([scores["cIoU"], scores["AUC"]], (43.26, 39.52), atol=0.05)
    assert found.samples == found.official
