"""The list of benchmarks, for people and for programs."""

from __future__ import annotations

import json
import subprocess
import sys

from click.testing import CliRunner

from avprompt.cli import main
from avprompt.registry import Registry


def shown(*arguments: str) -> str:
    done = CliRunner().invoke(main, ["data", "list", *arguments], env={"COLUMNS": "250"})
    assert done.exit_code == 0, done.output
    return done.stdout


def test_every_benchmark_is_listed(registry: Registry) -> None:
    listed = {one["name"]: one for one in json.loads(shown("--json"))}
    assert sorted(listed) == registry.names("datasets")
    assert listed["vggss"]["splits"] == {"test": 5158}
    assert listed["toy"]["splits"] == {"test": 500}, "made on the fly, and counted all the same"
    assert "frames/<id>.jpg" in listed["vggss"]["source"]
    for one in listed.values():
        assert all(one[fact] for fact in ("title", "splits", "licence", "source", "citation")), one["name"]


def test_a_line_for_each_and_everything_of_one() -> None:
    assert "test 5,158" in shown()
    everything = shown("vggss")
    for line in ("frames/<id>.jpg", "CC BY 4.0", "CVPR 2021", "12 boxes hold absurd numbers"):
        assert line in everything


def test_an_unknown_benchmark_is_no_riddle() -> None:
    done = CliRunner().invoke(main, ["data", "list", "vgss"])
    assert done.exit_code == 1
    assert "Did you mean 'vggss'?" in done.output


def test_no_data_tool_needs_torch() -> None:
    modules = "check", "prepare", "pack", "floors", "leak", "catalogue"
    tables = "avprompt.cli.tables.data", "avprompt.cli.progress"
    names = *(f"avprompt.data.tools.{name}" for name in modules), *tables
    code = f"import sys, {', '.join(names)}; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
