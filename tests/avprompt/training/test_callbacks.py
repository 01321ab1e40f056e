"""Callbacks look on, may stop, and leave everything else as it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from avprompt.config.options import Options
from avprompt.errors import PluginError
from avprompt.training.callback import Callback, TrainerState
from avprompt.training.state import StepReport
from avprompt.training.trainer import Trainer
from tinyworld.bench import Bench
from tinyworld.training import log, same, trained


class Diary(Callback):
    """Notes every call, the steps in its state too."""

    stop_at: tuple[str, int] = ("", 0)

    def __init__(self, config: Options) -> None:
        super().__init__(config)
        self.lines: list[Any] = []
        self.steps = 0

    def on_train_start(self, state: TrainerState) -> None:
        self.lines.append(("start", state.step, state.total))

    def on_step(self, state: TrainerState) -> str | None:
        self.steps += 1
        self.lines.append(("step", state.step, state.losses["total"], state.gradient_norm > 0))
        return "enough" if self.stop_at == ("step", state.step) else None

    def on_validate(self, state: TrainerState) -> str | None:
        self.lines.append(("validate", state.step, state.score))
        return "enough" if self.stop_at == ("validate", state.step) else None

    def on_end(self, state: TrainerState) -> str:
        return f"{self.steps} steps seen, {state.step} taken"

    def state_dict(self) -> dict[str, Any]:
        return {"steps": self.steps}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.steps = state["steps"]


class Frozen(Diary):
    """Has zeros validated, and kept."""

    def evaluated(self, state: TrainerState) -> Mapping[str, Tensor]:
        return {name: torch.zeros_like(value) for name, value in state.trained.items()}


def diary(kind: type[Diary] = Diary) -> Diary:
    return kind(Options())


def watched(trainer: Trainer, callback: Callback, every: int | None = None) -> Trainer:
    """A trainer with one callback; the validation split scores what training has come to, in sum."""

    def validate() -> tuple[str, dict[str, float]]:
        trainer.method.eval()
        values = [float(p.detach().abs().sum()) for p in trainer.method.parameters() if p.requires_grad]
        return "cIoU", {"cIoU": sum(values)}

    options = trainer.options.model_copy(update={"validate_every": every})
    return replace(trainer, callbacks={"diary": callback}, options=options, validate=validate)


def kinds(callback: Diary) -> list[tuple[str, int]]:
    return [line[:2] for line in callback.lines]


class TestCalls:
    def test_come_after_every_step_and_every_so_many(self, bench: Bench, tmp_path: Path) -> None:
        seen = diary()
        progress = watched(bench.trainer(), seen, every=4).run()
        steps = [("step", step) for step in range(1, 7)]
        steps[4:4] = [("validate", 4)]
        assert kinds(seen) == [("start", 0), *steps, ("validate", 6)]
        assert [line[2] for line in seen.lines if line[0] == "step"] == [
            line["losses"]["total"] for line in log(tmp_path)
        ]
        assert progress.notes == ["diary: 6 steps seen, 6 taken"]

    def test_validations_stand_in_the_log_beside_their_step(self, bench: Bench, tmp_path: Path) -> None:
        seen = diary()
        watched(bench.trainer(), seen, every=4).run()
        scores = {line[1] - 1: {"cIoU": line[2]} for line in seen.lines if line[0] == "validate"}
        lines = log(tmp_path)
        assert {line["step"]: line["validation"] for line in lines if "validation" in line} == scores
        assert scores.keys() == {3, 5}
        assert [line["step"] for line in lines] == list(range(6))

    def test_change_no_number(self, bench: Bench, tmp_path: Path) -> None:
        plain = trained(bench.trainer(folder=tmp_path / "plain"))
        seen = trained(watched(bench.trainer(folder=tmp_path / "seen"), diary(), every=2))
        assert same(seen, plain)

    def test_leave_the_method_in_training_mode(self, bench: Bench) -> None:
        trainer = watched(bench.trainer(), diary(), every=2)
        trainer.run()
        assert trainer.method.training


class TestStopping:
    @pytest.mark.parametrize(("when", "step"), [("step", 2), ("validate", 4)])
    def test_ends_after_this_step(self, bench: Bench, tmp_path: Path, when: str, step: int) -> None:
        seen = diary()
        seen.stop_at = (when, step)
        progress = watched(bench.trainer(), seen, every=4).run()
        assert progress.done == step == len(log(tmp_path))
        assert kinds(seen)[-1] == ("validate", step)  # what training ends with is always validated
        assert progress.notes == [
            f"Training stopped after step {step} of 6: diary: enough",
            f"diary: {step} steps seen, {step} taken",
        ]

    def test_stays_stopped_when_resumed(self, bench: Bench, tmp_path: Path) -> None:
        """As where the checkpoint could not be written."""
        seen = diary()
        seen.stop_at = ("step", 2)
        whole = trained(watched(bench.trainer(), seen))
        rest = watched(bench.trainer(), diary())
        assert same(trained(rest, resume=True), whole)
        assert len(log(tmp_path)) == 2

    def test_needs_a_text(self, bench: Bench) -> None:
        class Wordless(Callback):
            def on_step(self, state: TrainerState) -> Any:
                return True

        with pytest.raises(PluginError, match=r"Wordless .* must return a text or None from 'on_step'"):
            watched(bench.trainer(), Wordless(Options())).run()


class TestResuming:
    def interrupted(self, trainer: Trainer, step: int) -> None:
        def stop(report: StepReport) -> None:
            if report.step == step:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            replace(trainer, on_step=stop).run()

    @pytest.mark.parametrize("step", [2, 3])
    def test_equals_the_uninterrupted_run(self, bench: Bench, tmp_path: Path, step: int) -> None:
        """After step 4 (counted from 0: 3) a validation was due; it is made when the run goes on."""
        first, second, whole = diary(), diary(), diary()
        watched(bench.trainer(folder=tmp_path / "whole"), whole, every=4).run()
        self.interrupted(watched(bench.trainer(folder=tmp_path / "halves"), first, every=4), step)
        progress = watched(bench.trainer(folder=tmp_path / "halves"), second, every=4).run(resume=True)
        assert progress.notes == ["diary: 6 steps seen, 6 taken"]
        assert second.lines[0] == ("start", step + 1, 6)
        assert [*first.lines, *second.lines[1:]] == whole.lines

    def test_a_validation_that_broke_off_is_made_again(self, bench: Bench, tmp_path: Path) -> None:
        whole, broken, rest = diary(Frozen), diary(Frozen), diary(Frozen)
        expected = trained(watched(bench.trainer(folder=tmp_path / "whole"), whole, every=4))
        trainer = watched(bench.trainer(folder=tmp_path / "halves"), broken, every=4)

        def power_cut() -> Any:
            raise RuntimeError("power cut")

        with pytest.raises(RuntimeError, match="power cut"):
            replace(trainer, validate=power_cut).run()
        again = watched(bench.trainer(folder=tmp_path / "halves"), rest, every=4)
        assert same(trained(again, resume=True), expected)
        assert [*broken.lines, *rest.lines[1:]] == whole.lines


class TestOtherParts:
    def test_are_validated_and_kept_but_not_trained_on(self, bench: Bench, tmp_path: Path) -> None:
        plain, zeros = diary(), diary(Frozen)
        watched(bench.trainer(folder=tmp_path / "plain"), plain, every=2).run()
        kept = trained(watched(bench.trainer(folder=tmp_path / "zeros"), zeros, every=2))
        assert [line[2] for line in zeros.lines if line[0] == "validate"] == [0, 0, 0]
        assert not any(value.any() for value in kept.values())
        steps = [line for line in plain.lines if line[0] == "step"]
        assert [line for line in zeros.lines if line[0] == "step"] == steps

    def test_come_of_one_callback(self, bench: Bench) -> None:
        trainer = watched(bench.trainer(), diary())
        trainer = replace(trainer, callbacks={"a": diary(Frozen), "b": diary(Frozen)})
        with pytest.raises(PluginError, match="The callbacks a and b each put other trained parts in place"):
            trainer.run()
