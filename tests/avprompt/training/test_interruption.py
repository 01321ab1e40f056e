"""What breaks training off leaves a whole step to go on from, and says how."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from torch.optim.optimizer import register_optimizer_step_post_hook

from avprompt.distributed import ALONE, Ranks
from avprompt.training.interruption import SIGNALS, Interrupted, Interruption, end_at_once, handling
from avprompt.training.state import RESUME_FILE, StepReport
from avprompt.training.trainer import Trainer
from tinyworld.bench import Bench
from tinyworld.training import State, log, same, trained

After = Callable[[int, Callable[[], object]], None]


@pytest.fixture(autouse=True)
def usual_handlers() -> Iterator[None]:
    """Handle signals as in a terminal; tests that run in the background or under nohup ignore some."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number in SIGNALS:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def in_adam() -> Iterator[After]:
    """Do something at the end of Adam's step of a number, where the parameters are changed already."""
    handles = []

    def at(number: int, act: Callable[[], object]) -> None:
        steps = iter(range(100))

        def hook(*_: Any) -> None:
            if next(steps) == number:
                act()

        handles.append(register_optimizer_step_post_hook(hook))

    yield at
    for handle in handles:
        handle.remove()


@pytest.fixture
def whole(bench: Bench, tmp_path: Path) -> State:
    """What the uninterrupted run ends with."""
    return trained(bench.trainer(folder=tmp_path / "whole"))


def send(number: int, times: int = 1) -> Callable[[], object]:
    """Send this process a signal."""
    return lambda: [os.kill(os.getpid(), number) for _ in range(times)]


def fail(error: BaseException) -> Callable[[], object]:
    def act() -> None:
        raise error

    return act


class TestSignal:
    @pytest.mark.parametrize("number", SIGNALS)
    def test_in_adams_step_ends_training_after_it(
        self, bench: Bench, tmp_path: Path, whole: State, in_adam: After, number: int
    ) -> None:
        in_adam(2, send(number))
        name = signal.Signals(number).name
        with pytest.raises(Interrupted, match=f"{name} after step 3 of 6, which is saved.*--resume") as e:
            bench.trainer(folder=tmp_path / "halves").run()
        assert e.value.number == number
        assert same(trained(bench.trainer(folder=tmp_path / "halves"), resume=True), whole)
        steps, expected = log(tmp_path / "halves"), log(tmp_path / "whole")
        assert [step["losses"] for step in steps] == [step["losses"] for step in expected]

    def test_in_the_last_step_leaves_nothing_to_do(
        self, bench: Bench, tmp_path: Path, whole: State, in_adam: After
    ) -> None:
        in_adam(5, send(signal.SIGTERM))
        with pytest.raises(Interrupted, match="after step 6 of 6"):
            bench.trainer(folder=tmp_path / "halves").run()
        assert same(trained(bench.trainer(folder=tmp_path / "halves"), resume=True), whole)

    def test_that_comes_twice_ends_at_once(
        self, bench: Bench, tmp_path: Path, whole: State, in_adam: After
    ) -> None:
        """In the middle of Adam's step nothing can be saved; the last whole state is still there."""
        in_adam(4, send(signal.SIGINT, times=2))
        with pytest.raises(Interrupted, match=r"Interrupted by SIGINT\. A run that had begun"):
            bench.trainer(folder=tmp_path / "halves", save_every=2).run()
        assert same(trained(bench.trainer(folder=tmp_path / "halves"), resume=True), whole)

    def test_handlers_are_given_back(self, bench: Bench) -> None:
        before = [signal.getsignal(number) for number in SIGNALS]
        bench.trainer().run()
        assert [signal.getsignal(number) for number in SIGNALS] == before

    def test_that_is_ignored_or_handled_by_others_stays_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def theirs(number: int, frame: object) -> None:
            raise AssertionError(number)

        handlers = {signal.SIGHUP: signal.SIG_IGN, signal.SIGTERM: theirs}  # nohup; a program around ours
        monkeypatch.setattr(signal, "getsignal", lambda number: handlers.get(number, signal.SIG_DFL))
        monkeypatch.setattr(signal, "signal", handlers.__setitem__)
        with handling(end_at_once):
            assert handlers == {
                signal.SIGHUP: signal.SIG_IGN, signal.SIGTERM: theirs, signal.SIGINT: end_at_once,
            }  # fmt: skip

    def test_training_in_a_thread_does_without(self, bench: Bench, tmp_path: Path) -> None:
        thread = Thread(target=bench.trainer().run)
        thread.start()
        thread.join()
        assert len(log(tmp_path)) == 6


@dataclass(frozen=True)
class Others(Ranks):
    """Two ranks, of which the other has had a signal."""

    size: int = 2

    def objects(self, item: Any) -> list[Any]:
        return [item, int(signal.SIGTERM)]


class TestRanks:
    def test_end_together(self) -> None:
        with pytest.raises(Interrupted, match="SIGTERM after step 4 of 6"):
            Interruption(Others()).check(4, 6)
        Interruption(ALONE).check(4, 6)

    def test_take_a_second_ctrl_c_for_the_launchers(self) -> None:
        interruption = Interruption(Others())
        for _ in range(2):
            interruption(signal.SIGINT, None)
        assert interruption.number == signal.SIGINT


class TestError:
    """Of the code of a part, wherever it comes."""

    @staticmethod
    def in_a_part(trainer: Trainer, error: BaseException, call: int = 4) -> Trainer:
        calls = []

        def hook(*_: Any) -> None:
            calls.append(1)
            if len(calls) == call:
                raise error

        trainer.method.register_forward_pre_hook(hook)
        return trainer

    def test_leaves_the_last_whole_step(self, bench: Bench, tmp_path: Path, whole: State) -> None:
        trainer = bench.trainer(folder=tmp_path / "halves")
        with pytest.raises(RuntimeError, match="theirs") as e:
            self.in_a_part(trainer, RuntimeError("theirs")).run()
        assert "after step 3 of 6. The same command with --resume" in e.value.__notes__[0]
        assert same(trained(bench.trainer(folder=tmp_path / "halves"), resume=True), whole)
        assert [step["step"] for step in log(tmp_path / "halves")] == list(range(6))

    def test_in_adams_step_saves_nothing_that_is_of_no_step(
        self, bench: Bench, tmp_path: Path, whole: State, in_adam: After
    ) -> None:
        in_adam(4, fail(MemoryError()))
        with pytest.raises(MemoryError):
            bench.trainer(folder=tmp_path / "halves", save_every=3).run()
        assert same(trained(bench.trainer(folder=tmp_path / "halves"), resume=True), whole)

    def test_before_the_first_step_leaves_nothing(self, bench: Bench, tmp_path: Path) -> None:
        with pytest.raises(RuntimeError) as e:
            self.in_a_part(bench.trainer(), RuntimeError("theirs"), call=1).run()
        assert "The same command begins it again" in e.value.__notes__[0]
        assert not (tmp_path / RESUME_FILE).exists()
        assert log(tmp_path) == []

    @pytest.mark.parametrize("error", [SystemExit(0), BaseException("theirs")])
    def test_that_ends_the_program_leaves_it_likewise(
        self, bench: Bench, tmp_path: Path, whole: State, error: BaseException
    ) -> None:
        trainer = bench.trainer(folder=tmp_path / "halves")
        with pytest.raises(type(error)) as e:
            self.in_a_part(trainer, error).run()
        assert e.value is error
        assert "after step 3 of 6. The same command with --resume" in error.__notes__[0]
        assert same(trained(bench.trainer(folder=tmp_path / "halves"), resume=True), whole)

    def test_of_who_watches_does_not_repeat_the_step(
        self, bench: Bench, tmp_path: Path, whole: State
    ) -> None:
        def watch(step: StepReport) -> None:
            if step.step == 3:
                raise ValueError("theirs")

        with pytest.raises(ValueError, match="theirs"):
            replace(bench.trainer(folder=tmp_path / "halves"), on_step=watch).run()
        assert same(trained(bench.trainer(folder=tmp_path / "halves"), resume=True), whole)
