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
from tinyworld.runs import TINY, row

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
    assert [entry.levels["prompt.audio_token"] for entry in read_ledger(here / "l.csv")] == ["last", "first"]
    assert "Note: 2 runs were taken from l.csv.\n" in cli(*command).stdout


def test_a_failure_is_told_at_the_end_and_by_the_status(here: Path, file: Path) -> None:
    folder = here / "runs/sweeps/small/tiny/souple/prompt=fixed/seed0"
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("mine")
    result = CliRunner().invoke(main, ["sweep", str(file)])
    assert result.exit_code == 1
    assert "Error: tiny souple prompt=fixed seed 0: " in result.stderr
    assert (here / "runs/sweeps/small/tiny/souple/prompt=metanet/seed0/results.json").is_file()


ALTERED = ["shuffled sound, cIoU", "other context, cIoU"]


def test_prints_a_table_for_each_split(cli: Any, here: Path, file: Path) -> None:
    output = cli("sweep", file, "--seed", 1, "--seed", 2).stdout
    assert "tiny/test, cIoU under val-threshold, 6 samples" in output
    assert row(output, "Percent") == ["Percent", "cIoU", "seeds", "Δ cIoU", "95 %", "AUC", *ALTERED]
    assert " ± " in row(output, "prompt=metanet")[1]
    assert " .. " in row(output, "prompt=metanet")[4]
    assert (
        "Everything is in runs/sweeps/small, and a row for each run in runs/sweeps/small/ledger.csv" in output
    )
    names = {path.name for path in (here / "runs/sweeps/small").iterdir()}
    assert names == {"ledger.csv", "sweep.json", "sweep.csv", "sweep.md", "tiny"}


def test_shows_what_is_done_and_runs_nothing(cli: Any, here: Path, file: Path) -> None:
    cli("sweep", file, "--seed", 1)
    output = cli(
        "sweep", file, "--seed", 1, "--seed", 2, "--done-only", "--reference", "prompt=metanet"
    ).stdout
    assert "2 of 4 runs are not done, tiny souple prompt=fixed seed 2 the first." in output
    assert row(output, "prompt=metanet")[3] == ""
    assert row(output, "prompt=fixed")[3] != ""
    assert not (here / "runs/sweeps/small/tiny/souple/prompt=fixed/seed2").exists()


class TestRefusal:
    def test_of_a_wrong_option_before_anything_is_run(self, fails: Callable[..., str]) -> None:
        message = fails("sweep", "souple", *TINY, "--over", "prompt.audio_tokn=last,first")
        assert message.startswith("In the run 'tiny souple audio_tokn=last seed 0': prompt has no option")

    def test_of_a_reference_that_is_no_row(self, fails: Callable[..., str], file: Path) -> None:
        message = fails("sweep", file, "--reference", "prompt=fixd")
        assert message == "There is no condition 'prompt=fixd' in the sweep. Did you mean 'prompt=fixed'?"

    def test_of_a_dataset_that_is_not_there(self, fails: Callable[..., str]) -> None:
        assert "Did you mean 'tiny'?" in fails("sweep", "souple", "--dataset", "tinny", "--dry-run")
