"""`--track`: TensorBoard is tested by the files that it leaves, the other trackers by stand-ins for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from accelerate.tracking import LOGGER_TYPE_TO_CLASS
from click.testing import CliRunner
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from avprompt.cli import main
from avprompt.runs import tracking
from avprompt.training.step import TrainingStep
from tinyworld.runs import TINY, numbers, results
from tinyworld.training import log

RUN = ("run", "souple", *TINY, "--set", "training.validate_every=2")
SERVICES = ("wandb", "mlflow", "trackio")


class StandIn:
    """A tracker as accelerate has them, which notes what it is given; `fails_at` a step it raises."""

    opened: ClassVar[list[StandIn]] = []
    fails_at: ClassVar[int | None] = None
    starts: ClassVar[bool] = True

    def __init__(self, project: str, **options: Any) -> None:
        self.project, self.options = project, options
        self.values: dict[str, dict[int, float]] = {}
        self.finished = False
        self.tracker = SimpleNamespace(id="7", name="7", info=SimpleNamespace(run_id="7"))
        StandIn.opened.append(self)

    def start(self) -> None:
        if not self.starts:
            raise ConnectionError("nobody answers")

    def log(self, values: dict[str, float], step: int) -> None:
        if step == self.fails_at:
            raise ConnectionError("nobody answers")
        for name, value in values.items():
            self.values.setdefault(name, {})[step] = value

    def finish(self) -> None:
        self.finished = True


class PictureStandIn(StandIn):
    """A tracker that takes pictures too."""

    def log_images(self, values: dict[str, Any], step: int) -> None:
        self.values |= {name: {step: images} for name, images in values.items()}


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[StandIn]]:
    """Put a stand-in in the place of a tracker; returns those that are opened."""

    def replace(service: str, kind: type[StandIn] = StandIn, **how: Any) -> list[StandIn]:
        monkeypatch.setitem(LOGGER_TYPE_TO_CLASS, service, kind)
        monkeypatch.setattr(tracking, "find_spec", lambda name: name)
        monkeypatch.setattr(StandIn, "opened", [])
        for name, value in how.items():
            monkeypatch.setattr(StandIn, name, value)
        return StandIn.opened

    return replace


def interrupt(monkeypatch: pytest.MonkeyPatch, *command: Any, at: int) -> None:
    """Give a command and break it off before a step, counted from 0."""
    take = TrainingStep.__call__

    def interrupted(step: TrainingStep, progress: Any, batches: Any) -> Any:
        if progress.done == at:
            raise KeyboardInterrupt
        return take(step, progress, batches)

    with monkeypatch.context() as patch:
        patch.setattr(TrainingStep, "__call__", interrupted)
        assert CliRunner().invoke(main, [str(word) for word in command]).exit_code == 130


def events(folder: Path) -> Any:
    return EventAccumulator(str(folder)).Reload()


def scalars(folder: Path, name: str) -> dict[int, float]:
    """What TensorBoard shows of a name, by step; no step may be there twice."""
    points = events(folder).Scalars(name)
    values = {point.step: point.value for point in points}
    assert len(values) == len(points)
    return values


class TestTensorBoard:
    def test_its_files_hold_what_the_run_says(self, cli: Any, here: Path) -> None:
        cli(*RUN, "--track", "tensorboard", "--output", "run")
        folder, result = here / "run" / "tensorboard", results(here / "run")
        steps = {line["step"] + 1: line for line in log(here / "run")}
        assert len(steps) == 3
        for term in steps[1]["losses"]:
            expected = {step: line["losses"][term] for step, line in steps.items()}
            assert scalars(folder, f"losses/{term}") == pytest.approx(expected)
        for name in ("learning_rate", "gradient_norm"):
            assert scalars(folder, name) == pytest.approx({step: line[name] for step, line in steps.items()})
        assert scalars(folder, "validation/cIoU").keys() == {2, 3}
        for split, scores in result["scores"].items():
            for protocol, metrics in scores.items():
                sent = scalars(folder, f"{split}/{protocol}/cIoU")
                assert sent == pytest.approx({3: metrics["cIoU"]})
            for guess, floor in result["floors"][split].items():
                assert scalars(folder, f"{split}/floor/{guess}/cIoU") == pytest.approx({3: floor["cIoU"]})
            assert scalars(folder, f"{split}/samples") == {3: result["samples"][split]["used"]}
        (picture,) = events(folder).Images("gallery")
        assert picture.step == 3

    def test_it_changes_no_number_and_may_be_left_out_later(
        self, cli: Any, here: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cli(*RUN, "--output", "plain")
        interrupt(monkeypatch, *RUN, "--track", "tensorboard", "--output", "tracked", at=2)
        cli(*RUN, "--output", "tracked", "--resume")
        assert numbers(here / "tracked") == numbers(here / "plain")
        assert scalars(here / "tracked" / "tensorboard", "learning_rate").keys() == {1, 2}
        assert not (here / "plain" / "tensorboard").exists()

    def test_resume_goes_on_with_the_same_log(
        self, cli: Any, here: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        command = (*RUN, "--track", "tensorboard", "--output", "run")
        interrupt(monkeypatch, *command, at=2)
        cli(*command, "--resume")
        folder = here / "run" / "tensorboard"
        assert scalars(folder, "losses/total").keys() == {1, 2, 3}
        assert scalars(folder, "test/val-threshold/cIoU").keys() == {3}

    def test_steps_that_were_lost_are_shown_once(self, here: Path) -> None:
        """A run that is killed has sent steps that --resume takes again."""
        for done, losses in ((0, [1.0, 2.0, 3.0]), (1, [5.0])):
            tracker = tracking.Tracker(session(), SimpleNamespace(path=here))  # type: ignore[arg-type]
            tracker.on_train_start(state(done))
            for step, loss in enumerate(losses, done + 1):
                tracker.on_step(state(step, losses={"total": loss}))
            tracker.close()
        assert scalars(here / "tensorboard", "losses/total") == {1: 1.0, 2: 5.0}

    def test_one_process_of_several_tracks(self, here: Path) -> None:
        tracker = tracking.Tracker(session(main=False), SimpleNamespace(path=here))  # type: ignore[arg-type]
        tracker.on_train_start(state(0))
        tracker.on_step(state(1, losses={"total": 1.0}))
        tracker.close()
        assert not (here / "tensorboard").exists()

    def test_compare_tracks_every_run(self, cli: Any, here: Path) -> None:
        cli("compare", "souple", "acl-ssl", *TINY, "--track", "tensorboard", "--output", "both")
        for name in ("souple-seed0", "acl-ssl-seed0"):
            assert len(scalars(here / "both" / name / "tensorboard", "losses/total")) == 3

    def test_what_was_trained_before_has_scores_only(self, cli: Any, here: Path, run: Path) -> None:
        checkpoint = run / "checkpoint.safetensors"
        only = ("--dataset", "tiny", "--checkpoint", checkpoint, "--track", "tensorboard")
        cli("run", "souple", *only, "--output", "scored")
        folder = here / "scored" / "tensorboard"
        assert scalars(folder, "test/val-threshold/cIoU").keys() == {3}
        assert "losses/total" not in events(folder).Tags()["scalars"]


class TestServices:
    @pytest.mark.parametrize("service", SERVICES)
    def test_steps_and_scores_are_sent(self, cli: Any, here: Path, stand_in: Any, service: str) -> None:
        opened = stand_in(service)
        cli(*RUN, "--track", service, "--output", "run")
        (tracker,) = opened
        assert tracker.project == "avprompt"
        assert "souple-tiny-seed0" in tracker.options.values()
        assert tracker.values["losses/total"].keys() == {1, 2, 3}
        assert tracker.values["validation/cIoU"].keys() == {2, 3}
        score = results(here / "run")["scores"]["test"]["val-threshold"]["cIoU"]
        assert tracker.values["test/val-threshold/cIoU"] == {3: score}
        assert "gallery" not in tracker.values
        assert tracker.finished

    @pytest.mark.parametrize("service", SERVICES)
    def test_resume_goes_on_with_the_same_run(
        self, cli: Any, stand_in: Any, monkeypatch: pytest.MonkeyPatch, service: str
    ) -> None:
        opened = stand_in(service)
        command = (*RUN, "--track", service, "--output", "run")
        interrupt(monkeypatch, *command, at=2)
        cli(*command, "--resume")
        first, second = opened
        assert first.finished
        assert "7" not in first.options.values()
        assert "7" in second.options.values()
        assert second.values["losses/total"].keys() == {3}

    def test_the_gallery_goes_where_pictures_are_taken(self, cli: Any, stand_in: Any) -> None:
        opened = stand_in("wandb", PictureStandIn)
        cli(*RUN, "--track", "wandb", "--output", "run")
        ((step, images),) = opened[0].values["gallery"].items()
        assert step == 3
        assert images.ndim == 4
        assert images.shape[0] == 1
        assert images.shape[3] == 3

    def test_a_service_that_goes_away_loses_nothing(self, cli: Any, here: Path, stand_in: Any) -> None:
        cli(*RUN, "--output", "plain")
        opened = stand_in("wandb", fails_at=2)
        with pytest.warns(UserWarning, match="--track wandb has failed, .* ConnectionError: nobody") as told:
            cli(*RUN, "--track", "wandb", "--output", "run")
        assert len(told) == 1
        assert opened[0].values["losses/total"].keys() == {1}
        assert opened[0].finished  # some services have one run at a time
        assert numbers(here / "run") == numbers(here / "plain")

    def test_one_that_cannot_begin_ends_the_run_before_its_first_step(
        self, cli: Any, here: Path, stand_in: Any
    ) -> None:
        stand_in("wandb", starts=False)
        command = [*map(str, RUN), "--track", "wandb", "--output", "run"]
        result = CliRunner().invoke(main, command)
        assert result.exit_code == 1
        assert (
            "--track wandb cannot begin: ConnectionError: nobody answers. Mend it, or leave" in result.stderr
        )
        assert not (here / "run" / "train.jsonl").exists()
        cli(*RUN, "--output", "run")


class TestMissing:
    @pytest.mark.parametrize(
        ("service", "install"),
        [("tensorboard", "'avprompt[track]'"), *((service, service) for service in SERVICES)],
    )
    def test_a_package_is_named(
        self, fails: Any, monkeypatch: pytest.MonkeyPatch, service: str, install: str
    ) -> None:
        monkeypatch.setattr(tracking, "find_spec", lambda name: None)
        message = fails(*RUN, "--track", service, "--output", "run")
        expected = f"--track {service} needs the package '{service}', which is not installed: pip install "
        assert message == expected + install

    def test_a_tracker_that_accelerate_does_not_know(
        self, fails: Any, stand_in: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stand_in("trackio")
        monkeypatch.delitem(LOGGER_TYPE_TO_CLASS, "trackio")
        message = fails(*RUN, "--track", "trackio", "--output", "run")
        assert "does not know this tracker. Install a newer one: pip install --upgrade accelerate" in message


def session(*, main: bool = True) -> Any:
    """As much of a session as a tracker looks at."""
    return SimpleNamespace(
        settings=SimpleNamespace(track="tensorboard", dataset="tiny", seed=0),
        method_config=SimpleNamespace(name="souple"),
        ranks=SimpleNamespace(main=main, objects=lambda own: [own]),
    )


def state(step: int, losses: dict[str, float] | None = None) -> Any:
    """As much of a trainer's state."""
    return SimpleNamespace(step=step, losses=losses or {}, learning_rate=0.1, gradient_norm=1.0)
