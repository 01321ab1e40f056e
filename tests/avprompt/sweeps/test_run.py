"""Running a sweep: what is done is not done again, and one failure stops nobody."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from avprompt.errors import ConfigError, WeightsError
from avprompt.plugin.discovery import Loaded
from avprompt.runs.directory import RunDirectory
from avprompt.runs.results import read_results
from avprompt.runs.run import execute
from avprompt.runs.session import open_session
from avprompt.sweeps import identity, running
from avprompt.sweeps.cells import cells_of
from avprompt.sweeps.ledger import read_ledger
from avprompt.sweeps.result import SweepResult
from avprompt.sweeps.row import losses_of, unpack
from avprompt.sweeps.run import ledger_of, run_cells
from avprompt.sweeps.running import threads_for
from avprompt.sweeps.sweep import Sweep
from avprompt.training.interruption import Interrupted
from avprompt.training.state import read_log
from sweeps_of_tiny import tiny_sweep
from tinyworld.runs import rows

Go = Callable[..., SweepResult]


@pytest.fixture
def go(loaded: Loaded, folder: Path) -> Go:
    def run(sweep: Sweep, **options: Any) -> SweepResult:
        return run_cells(loaded, sweep, folder, folder / "ledger.csv", **options)

    return run


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The methods of the runs that were begun, in order."""
    methods: list[str] = []

    def noted(loaded: Loaded, method: str, *rest: Any) -> Any:
        methods.append(method)
        return open_session(loaded, method, *rest)

    monkeypatch.setattr(running, "open_session", noted)
    return methods


def test_a_row_has_what_the_run_directory_has(go: Go, folder: Path) -> None:
    (cell,), ((row,),) = zip(*go(tiny_sweep(seeds=(3,))).rows.items(), strict=True)
    result = read_results(cell.folder)
    assert cell.folder == folder / "tiny/souple/seed3"
    scores = result.scores["test"]["val-threshold"]
    assert (row.score, row.cIoU, row.AUC) == (scores["cIoU"], scores["cIoU"], scores["AUC"])
    assert (row.n, row.steps, row.seed) == (6, 1, 3)
    (step,) = read_log(cell.folder)
    assert row.losses == {term: [round(loss, 4)] for term, loss in step["losses"].items()}
    assert row.reliance["audio"] == result.audio_reliance["test"]
    assert row.beside["ceilings"] == result.ceilings["test"]
    hits = [float(sample["val-threshold"]) >= 50 for sample in rows(cell.folder / "samples.csv")]
    assert unpack(row.hits, row.n).tolist() == hits
    assert 100 * np.mean(unpack(row.hits, row.n)) == pytest.approx(row.score, abs=1e-3)
    assert row.threads == torch.get_num_threads()
    assert row.machine
    assert row.config["training.steps"] == 1
    assert row.digest == identity.config_digest(row.config)
    assert [row] == read_ledger(folder / "ledger.csv")


def test_a_row_has_the_mean_of_each_loss_in_each_tenth_of_the_training(tmp_path: Path) -> None:
    losses = [2.0 * step for step in range(20)]
    steps = [{"step": k, "left_out": "", "losses": {"total": loss}} for k, loss in enumerate(losses)]
    steps.insert(3, {"step": 3, "left_out": "the loss is nan", "losses": {}})
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(line) + "\n" for line in steps))
    assert losses_of(tmp_path) == {"total": [4.0 * part + 1 for part in range(10)]}


def test_a_row_has_no_losses_where_nothing_was_trained(tmp_path: Path) -> None:
    assert losses_of(tmp_path) == {}


class TestWhatIsDone:
    def test_is_taken_from_the_ledger_without_its_run(self, go: Go, folder: Path, opened: list[str]) -> None:
        first = go(tiny_sweep(seeds=(0, 1)))
        (folder / "tiny").rename(folder / "moved")
        again = go(tiny_sweep(name="another", seeds=(1, 0, 2)))
        assert len(opened) == 3
        assert (first.taken, again.taken, again.outdated) == (0, 2, 0)
        assert [row.seed for of_cell in again.rows.values() for row in of_cell] == [1, 0, 2]
        assert [row.sweep for row in read_ledger(folder / "ledger.csv")] == ["tiny", "tiny", "another"]

    def test_in_a_run_directory_is_entered_without_saying_by_what_code(
        self, go: Go, folder: Path, opened: list[str]
    ) -> None:
        go(tiny_sweep())
        before = (folder / "tiny/souple/seed0/results.json").stat().st_mtime_ns
        (folder / "ledger.csv").unlink()
        ((row,),) = go(tiny_sweep()).rows.values()
        assert (row.code, row.machine, row.threads) == ("", "", None)
        assert (folder / "tiny/souple/seed0/results.json").stat().st_mtime_ns == before

    def test_by_other_code_is_told_and_made_again_on_demand(
        self, go: Go, folder: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        go(tiny_sweep())
        monkeypatch.setattr(identity, "source_digest", lambda packages, rooms: "f" * 64)
        told = go(tiny_sweep())
        assert (told.taken, told.outdated, len(opened)) == (1, 1, 1)
        again = go(tiny_sweep(), redo=True)
        assert (again.taken, again.outdated, len(opened)) == (0, 0, 2)
        assert [cell.folder for cell in again.rows] == [folder / "tiny/souple/seed0-2"]
        last = go(tiny_sweep(), redo=True)
        assert (last.taken, last.outdated, len(opened)) == (1, 0, 2)

    def test_while_its_code_was_edited_has_unknown_code(
        self, go: Go, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        digests = iter("abcdefgh")
        monkeypatch.setattr(identity, "source_digest", lambda packages, rooms: next(digests))
        ((row,),) = go(tiny_sweep()).rows.values()
        assert row.code == ""


class TestFailure:
    def test_of_a_cell_stops_no_other(self, go: Go, monkeypatch: pytest.MonkeyPatch) -> None:
        def fails(loaded: Loaded, method: str, settings: Any) -> Any:
            if settings.seed == 1:
                raise WeightsError("no weights today")
            if settings.seed == 2:
                raise KeyError("a bug")
            return open_session(loaded, method, settings)

        monkeypatch.setattr(running, "open_session", fails)
        swept = go(tiny_sweep(seeds=(0, 1, 2, 3)))
        assert [cell.seed for cell in swept.rows] == [0, 3]
        assert swept.failures["tiny souple seed 1"] == "no weights today"
        assert swept.failures["tiny souple seed 2"].endswith("KeyError: 'a bug'\n")

    def test_is_made_good_by_the_next_run(self, go: Go, folder: Path) -> None:
        (folder / "tiny/souple/seed0").mkdir(parents=True)
        (folder / "tiny/souple/seed0/notes.txt").write_text("mine")
        failed = go(tiny_sweep())
        assert "holds 'notes.txt', but no run" in failed.failures["tiny souple seed 0"]
        (folder / "tiny/souple/seed0/notes.txt").unlink()
        assert go(tiny_sweep()).failures == {}

    def test_an_interruption_says_how_to_go_on(self, go: Go, monkeypatch: pytest.MonkeyPatch) -> None:
        def interrupted(loaded: Loaded, method: str, settings: Any) -> Any:
            if settings.seed == 1:
                raise Interrupted(15, "inside")
            return open_session(loaded, method, settings)

        monkeypatch.setattr(running, "open_session", interrupted)
        with pytest.raises(Interrupted, match="1 of 2 runs are done; the same command goes on") as error:
            go(tiny_sweep(seeds=(0, 1)))
        assert error.value.number == 15


def test_a_launcher_is_refused(go: Go, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(
        ConfigError, match="no work for a launcher, whose processes would all do it: use --jobs"
    ):
        go(tiny_sweep())


class TestSideBySide:
    def test_runs_are_those_of_one_process(
        self, go: Go, loaded: Loaded, folder: Path, tmp_path: Path
    ) -> None:
        (folder / "tiny/souple/seed5").mkdir(parents=True)
        (folder / "tiny/souple/seed5/notes.txt").write_text("mine")
        swept = go(tiny_sweep(seeds=(0, 1, 5)), jobs=2)
        assert sorted(row.seed for (row,) in swept.rows.values()) == [0, 1]
        assert swept.failures.keys() == {"tiny souple seed 5"}
        assert swept.failures["tiny souple seed 5"].startswith(
            f"'{folder}/tiny/souple/seed5' holds 'notes.txt'"
        )
        for cell in swept.rows:
            alone = tmp_path / f"alone{cell.seed}"
            execute(open_session(loaded, "souple", cell.settings), RunDirectory(alone))
            assert (cell.folder / "samples.csv").read_bytes() == (alone / "samples.csv").read_bytes()

    def test_processes_end_with_the_sweep(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        processes: list[subprocess.Popen[bytes]] = []

        def noted(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
            processes.append(Popen(*arguments, **options))
            return processes[-1]

        def interrupted(over: int, names: Sequence[str]) -> None:
            if len(names) == 2:
                raise KeyboardInterrupt

        Popen = subprocess.Popen
        monkeypatch.setattr(subprocess, "Popen", noted)
        sweep = tiny_sweep(options={"steps": 100_000, "batch_size": 4}, seeds=(0, 1, 2))
        with pytest.raises(KeyboardInterrupt):
            next(running.side_by_side(cells_of(sweep, folder), 2, interrupted))
        assert [process.returncode is None for process in processes] == [False, False]


@pytest.mark.parametrize(
    ("jobs", "asked", "threads"), [(1, "", 8), (3, "", 2), (9, "", 1), (2, "1", 1), (4, "9", 2)]
)
def test_processes_share_the_cores(
    monkeypatch: pytest.MonkeyPatch, jobs: int, asked: str, threads: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)), raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    assert threads_for(jobs) == threads


def test_a_sweep_has_its_own_ledger_where_the_folder_of_that_is_here(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    sweep = tiny_sweep(ledger=Path("worlds/runs.csv"))
    assert ledger_of(sweep, folder) == folder / "ledger.csv"
    (tmp_path / "worlds").mkdir()
    assert ledger_of(sweep, folder) == Path("worlds/runs.csv")
