"""Interrupted runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from avprompt.errors import WeightsError
from avprompt.model.method import Method
from avprompt.training.state import RESUME_FILE, StepReport
from avprompt.training.trainer import Trainer
from avprompt.weights.checkpoint import trained_state
from tinyworld.bench import Bench
from tinyworld.training import log, same, trained


class TestResume:
    """An interrupted run goes on to the same bits, wherever it was interrupted."""

    def interrupted(
        self, bench: Bench, when: Callable[[Trainer], Trainer], folder: Path, **options: Any
    ) -> None:
        trainer = when(bench.trainer(folder=folder, **options))
        with pytest.raises(KeyboardInterrupt):
            trainer.run()
        assert (folder / RESUME_FILE).is_file()

    @staticmethod
    def after_a_step(trainer: Trainer) -> Trainer:
        def stop(step: StepReport) -> None:
            if step.step >= 2:
                raise KeyboardInterrupt

        return replace(trainer, on_step=stop)

    @staticmethod
    def inside_a_step(trainer: Trainer) -> Trainer:
        calls = []

        def stop(method: Method, inputs: Any) -> None:
            calls.append(inputs)
            if len(calls) == 4:
                raise KeyboardInterrupt

        trainer.method.register_forward_pre_hook(stop)
        return trainer

    @staticmethod
    def while_reading(trainer: Trainer) -> Trainer:
        class Impatient(list[Any]):
            reads = 0

            def __getitem__(self, index: Any) -> Any:
                self.reads += 1
                if self.reads == 14:  # inside the fourth batch
                    raise KeyboardInterrupt
                return super().__getitem__(index)

        return replace(trainer, samples=Impatient(trainer.samples))

    @pytest.mark.parametrize("when", ["after_a_step", "inside_a_step", "while_reading"])
    def test_equals_the_uninterrupted_run(self, bench: Bench, tmp_path: Path, when: str) -> None:
        whole = trained(bench.trainer(folder=tmp_path / "whole"))
        self.interrupted(bench, getattr(self, when), tmp_path / "halves")
        assert same(trained(bench.trainer(folder=tmp_path / "halves"), resume=True), whole)
        steps, expected = log(tmp_path / "halves"), log(tmp_path / "whole")
        assert [step["losses"] for step in steps] == [step["losses"] for step in expected]

    def test_of_a_training_that_had_ended_takes_no_step(self, bench: Bench, tmp_path: Path) -> None:
        """As where the checkpoint could not be written: the state after the last step is there."""
        whole = trained(bench.trainer(folder=tmp_path))
        assert (tmp_path / RESUME_FILE).is_file()
        lines = log(tmp_path)
        assert same(trained(bench.trainer(folder=tmp_path), resume=True), whole)
        assert log(tmp_path) == lines

    def test_goes_on_from_the_last_state_that_was_saved(self, bench: Bench, tmp_path: Path) -> None:
        """As after a power cut: no word was said, and the log is ahead of the state."""
        whole = trained(bench.trainer(folder=tmp_path / "whole"))
        trainer = bench.trainer(folder=tmp_path / "halves", save_every=2)

        def cut(step: StepReport) -> None:
            if step.step == 4:
                raise RuntimeError("power cut")

        with pytest.raises(RuntimeError):
            replace(trainer, on_step=cut).run()
        assert len(log(tmp_path / "halves")) == 5
        assert same(trained(bench.trainer(folder=tmp_path / "halves"), resume=True), whole)
        assert [step["step"] for step in log(tmp_path / "halves")] == list(range(6))

    def test_remembers_what_was_skipped(self, bench: Bench, tmp_path: Path) -> None:
        whole = bench.trainer(dataset="tiny-broken", folder=tmp_path / "whole").run()
        self.interrupted(bench, self.after_a_step, tmp_path / "halves", dataset="tiny-broken")
        rest = bench.trainer(dataset="tiny-broken", folder=tmp_path / "halves")
        assert rest.run(resume=True) == whole

    def test_of_another_method_changes_nothing(self, bench: Bench, tmp_path: Path) -> None:
        self.interrupted(bench, self.after_a_step, tmp_path)
        other = bench.trainer("acl-ssl")
        before = trained_state(other.method)
        with pytest.raises(WeightsError, match=r"resume.pt' belongs to another method"):
            other.run(resume=True)
        assert same(trained_state(other.method), before)

    def test_needs_a_state(self, bench: Bench) -> None:
        with pytest.raises(WeightsError, match=r"There is nothing to resume"):
            bench.trainer().run(resume=True)
