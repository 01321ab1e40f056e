"""`avprompt sweep`."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from avprompt.cli import main
from avprompt.sweeps.ledger import read_ledger
from tinyworld.runs import TINY

SWEEP = """
methods: [souple]
datasets: [tiny]
factors:
  prompt: {fixed: [prompt.name=fixed, prompt.words=a photo of], metanet: []}
options: {steps: 3, batch_size: 4}
"""


@pytest.fixture
def file(here: Path) -> Path:
    path = here / "small.yaml"
    path.write_text(SWEEP)
    return path


def test_a_dry_run_prints_a_command_a_line_and_nothing_else(cli: Any, here: Path, file: Path) -> None:
    output = cli("sweep", file, "--seed", 1, "--seed", 2, "--dry-run").stdout
    assert [line.partition(" --output ")[2] for line in output.splitlines()] == [
        f"runs/sweeps/small/tiny/souple/prompt={prompt}/seed{seed}"
        for prompt in ("fixed", "metanet")
        for seed in (1, 2)
    ]
    assert [path.name for path in here.iterdir()] == ["small.yaml"]


def test_a_copied_command_makes_the_run_that_the_sweep_takes_up(cli: Any, here: Path, file: Path) -> None:
    first, _ = cli("sweep", file, "--dry-run").stdout.splitlines()
    cli(*shlex.split(first)[1:])
    before = {path: path.stat().st_mtime_ns for path in here.rglob("results.json")}
    again, _ = cli("sweep", file, "--dry-run").stdout.splitlines()
    assert again == f"{first} --resume"
    cli("sweep", file)
    after = {path: path.stat().st_mtime_ns for path in here.rglob("results.json")}
    assert len(after) == 2
    assert before.items() <= after.items()


def test_a_second_time_all_is_taken_from_the_ledger(cli: Any, here: Path) -> None:
    command = ("sweep", "souple", *TINY, "--over", "prompt.audio_token=last,first", "--ledger", "l.csv")
    assert "taken" not in cli(*command).stdout
    assert [row.levels["prompt.audio_token"] for row in read_ledger(here / "l.csv")] == ["last", "first"]
    assert "2 runs were taken from l.csv.\n" in cli(*command).stdout


def test_a_failure_is_told_at_the_end_and_by_the_status(here: Path, file: Path) -> None:
    folder = here / "runs/sweeps/small/tiny/souple/prompt=fixed/seed0"
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("mine")
    result = CliRunner().invoke(main, ["sweep", str(file)])
    assert result.exit_code == 1
    assert "Error: tiny souple prompt=fixed seed 0: " in result.stderr
    assert (here / "runs/sweeps/small/tiny/souple/prompt=metanet/seed0/results.json").is_file()


class TestRefusal:
    def test_of_a_wrong_option_before_anything_is_run(self, fails: Callable[..., str]) -> None:
        message = fails("sweep", "souple", *TINY, "--over", "prompt.audio_tokn=last,first")
        assert message.startswith("In the run 'tiny souple audio_tokn=last seed 0': prompt has no option")

    def test_of_a_dataset_that_is_not_there(self, fails: Callable[..., str]) -> None:
        assert "Did you mean 'tiny'?" in fails("sweep", "souple", "--dataset", "tinny", "--dry-run")
