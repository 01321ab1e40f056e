"""`avprompt run --resume`."""

from __future__ import annotations

import errno
import os
import pkgutil
import signal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from safetensors.torch import load_file

from avprompt import files
from avprompt.cli import main
from avprompt.training.state import Progress
from avprompt.training.step import TrainingStep
from tinyworld.runs import TINY, numbers


class TestResume:
    @pytest.mark.parametrize("interruption", [KeyboardInterrupt, RuntimeError])
    def test_equals_the_uninterrupted_run(
        self, cli: Any, here: Path, monkeypatch: pytest.MonkeyPatch, interruption: type[BaseException]
    ) -> None:
        command = ["run", "souple", *map(str, TINY), "--output"]
        cli(*command, "whole")
        with monkeypatch.context() as patch:
            take = TrainingStep.__call__

            def interrupted(step: TrainingStep, progress: Progress, batches: Any) -> Any:
                if progress.done == 2:
                    raise interruption
                return take(step, progress, batches)

            patch.setattr(TrainingStep, "__call__", interrupted)
            result = CliRunner().invoke(main, [*command, "halves"])
        assert result.exit_code == (130 if interruption is KeyboardInterrupt else 1)
        if interruption is KeyboardInterrupt:
            assert "goes on with the same command and --resume" in result.stderr
        assert not (here / "halves" / "results.json").exists()
        cli(*command, "halves", "--resume")
        assert numbers(here / "halves") == numbers(here / "whole")
        one, other = (load_file(here / name / "checkpoint.safetensors") for name in ("whole", "halves"))
        assert all((one[name] == other[name]).all() for name in one)

    @pytest.mark.parametrize(
        ("place", "message"),
        [
            ("avprompt.training.trainer.TrainingStep.__call__", "SIGTERM after step 1 of 3, which is saved"),
            ("avprompt.runs.run.Evaluator.measure", "Interrupted by SIGTERM. A run that had begun training"),
        ],
    )
    def test_a_signal_is_said_and_loses_nothing(
        self, cli: Any, here: Path, run: Path, monkeypatch: pytest.MonkeyPatch, place: str, message: str
    ) -> None:
        command = ["run", "souple", *map(str, TINY), "--seed", "5", "--output", "ended"]
        with monkeypatch.context() as patch:
            act = pkgutil.resolve_name(place)

            def ended(*arguments: Any, **options: Any) -> Any:
                os.kill(os.getpid(), signal.SIGTERM)
                return act(*arguments, **options)

            patch.setattr(place, ended)
            result = CliRunner().invoke(main, command)
        assert result.exit_code == 143
        assert message in result.stderr
        assert not list((here / "ended").glob(".*")), "nothing half-written"
        cli(*command, "--resume")
        assert numbers(here / "ended") == numbers(run)

    def test_a_crash_before_the_first_step_does_not_block_the_command(
        self, cli: Any, here: Path, run: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        command = ["run", "souple", *map(str, TINY), "--seed", "5", "--output", "crashed"]
        with monkeypatch.context() as patch:

            def crash(*_: Any) -> None:
                raise RuntimeError("a part of somebody's plugin")

            patch.setattr(TrainingStep, "__call__", crash)
            assert CliRunner().invoke(main, command).exit_code == 1
        cli(*command)
        assert numbers(here / "crashed") == numbers(run)

    def test_of_a_finished_run_changes_nothing(self, cli: Any, run: Path) -> None:
        before = {path.name: path.stat().st_mtime_ns for path in run.iterdir()}
        output = cli("run", "souple", *TINY, "--seed", 5, "--output", run, "--resume").stdout
        assert "val-threshold" in output
        assert {path.name: path.stat().st_mtime_ns for path in run.iterdir()} == before

    def test_goes_on_with_scoring_where_only_that_is_missing(self, cli: Any, run: Path) -> None:
        before = numbers(run)
        (run / "results.json").unlink()
        cli("run", "souple", *TINY, "--seed", 5, "--output", run, "--resume")
        assert numbers(run) == before

    def test_loses_nothing_where_the_checkpoint_cannot_be_written(
        self, cli: Any, here: Path, run: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        command = ["run", "souple", *map(str, TINY), "--seed", "5", "--output", "full"]
        with monkeypatch.context() as patch:

            def disk_full(*_: Any) -> None:
                raise OSError(28, "No space left on device")

            patch.setattr("avprompt.runs.training.save_checkpoint", disk_full)
            assert CliRunner().invoke(main, command).exit_code == 1
        assert (here / "full" / "resume.pt").is_file()
        before = (here / "full" / "train.jsonl").read_text()
        cli(*command, "--resume")
        assert (here / "full" / "train.jsonl").read_text() == before, "no step is taken again"
        assert numbers(here / "full") == numbers(run)
        assert not (here / "full" / "resume.pt").exists()

    def test_remembers_what_training_had_left_out(self, cli: Any, here: Path) -> None:
        command = ["run", "souple", "--dataset", "tiny-broken", *map(str, TINY[2:]), "--output", "broken"]
        cli(*command)
        before = (here / "broken" / "skipped.csv").read_text()
        assert "train,train-" in before
        (here / "broken" / "results.json").unlink()
        cli(*command, "--resume")
        assert (here / "broken" / "skipped.csv").read_text() == before

    def test_must_be_of_the_same_run(self, fails: Any, run: Path) -> None:
        for other in (["acl-ssl", *TINY, "--seed", 5], ["souple", *TINY, "--seed", 6]):
            message = fails("run", *other, "--output", run, "--resume")
            assert "holds a run with other options" in message

    def test_needs_a_run(self, fails: Any) -> None:
        assert (
            fails("run", "souple", *TINY, "--output", "gone", "--resume")
            == "--resume: there is no run in 'gone'."
        )


class TestAFullDisk:
    """Whichever file it strikes, there is one message, nothing half-written, and nothing lost."""

    @pytest.mark.parametrize(
        "name",
        [
            "config.yaml",
            "checkpoint.safetensors",
            "samples.csv",
            "gallery.png",
            "gallery.npz",
            "results.json",
        ],
    )
    def test_is_said_and_the_run_goes_on(
        self, cli: Any, here: Path, run: Path, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        command = ["run", "souple", *map(str, TINY), "--seed", "5", "--output", "struck"]
        sync = files._sync

        def full(path: Path) -> None:
            if path.name.startswith(f".{name}."):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            sync(path)

        with monkeypatch.context() as patch:
            patch.setattr(files, "_sync", full)
            result = CliRunner().invoke(main, command)
        assert result.exit_code == 1
        assert f"Error: 'struck/{name}': no space left on device" in result.stderr
        left = [path.name for path in (here / "struck").glob("*")]
        assert not [path for path in left if name in path]
        cli(*command, *(["--resume"] if name != "config.yaml" else []))
        assert numbers(here / "struck") == numbers(run)
