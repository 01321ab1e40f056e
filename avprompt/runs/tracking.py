"""What a run sends to a tracker (TensorBoard, Weights & Biases, MLflow, Trackio) while it goes on.

The trackers are those of accelerate (`accelerate.tracking`); this module says what they are given, where that
goes, and what becomes of a run whose tracker fails.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from accelerate import __version__ as accelerate_version
from accelerate.tracking import LOGGER_TYPE_TO_CLASS
from PIL import Image

from avprompt.config.options import Options
from avprompt.distributed import together
from avprompt.errors import ConfigError
from avprompt.files import read_text, replacing
from avprompt.runs.directory import RunDirectory
from avprompt.runs.results import RunResult
from avprompt.training.callback import Callback, TrainerState

if TYPE_CHECKING:
    from avprompt.runs.session import Session

PROJECT = "avprompt"
"""What runs are filed under by the services that have projects or experiments."""

IDENTITY = "track.json"
"""In a run directory: what each service calls the run, so that --resume goes on with it."""

_INSTALL = {"tensorboard": "'avprompt[track]'"}


def check_tracker(service: str | None) -> None:
    """Make sure, before anything is opened, that a tracker can be used; None is none.

    Raises:
        ConfigError: its package is not installed, or the installed accelerate does not know it.
    """
    if service is None:
        return
    if find_spec(service) is None:
        install = _INSTALL.get(service, service)
        raise ConfigError(
            f"--track {service} needs the package '{service}', which is not installed: pip install {install}"
        )
    if service not in LOGGER_TYPE_TO_CLASS:
        raise ConfigError(
            f"--track {service}: accelerate {accelerate_version}, which is installed, does not know this "
            "tracker. Install a newer one: pip install --upgrade accelerate"
        )


@contextmanager
def tracked(session: Session, directory: RunDirectory) -> Iterator[Tracker | None]:
    """Track a run where the user wants it, and close the tracker however the run ends."""
    if session.settings.track is None:
        yield None
        return
    tracker = Tracker(session, directory)
    try:
        yield tracker
    finally:
        tracker.close()


class Tracker(Callback):
    """Sends losses, learning rate and gradient norm of every step, scores, and the gallery.

    Only the main rank sends. Steps are counted from the first of the run, also after `--resume`. A tracker
    that cannot begin ends the run before its first step; one that fails later is left, and the run goes on.
    """

    def __init__(self, session: Session, directory: RunDirectory) -> None:
        super().__init__(Options())
        self.service = str(session.settings.track)
        self.folder = directory.path
        self.label = f"{session.method_config.name}-{session.settings.dataset}-seed{session.settings.seed}"
        self.ranks = session.ranks
        self.tracker: Any = None
        self.failed = False

    def on_train_start(self, state: TrainerState) -> None:
        """Open the log, or go on with it behind the steps that are over.

        Raises:
            ConfigError: the tracker cannot begin, on every rank.
        """
        together(self.ranks, lambda: self._begin(state.step + 1))

    def on_step(self, state: TrainerState) -> None:
        """Send what one step did."""
        losses = {f"losses/{name}": loss for name, loss in state.losses.items()}
        self._log(
            losses | {"learning_rate": state.learning_rate, "gradient_norm": state.gradient_norm}, state.step
        )

    def on_validate(self, state: TrainerState) -> None:
        """Send the scores of the validation split."""
        self._log({f"validation/{name}": score for name, score in state.scores.items()}, state.step)

    def finish(self, result: RunResult, gallery: Path) -> None:
        """Send the scores of every split with their floors and numbers of samples, and the gallery."""
        training = result.training
        step = training.steps + sum(training.left_out.values()) if training else 0
        self._log(final_scores(result), step)
        if gallery.is_file():
            self._send(lambda tracker: _log_picture(tracker, self.service, gallery, step))

    def close(self) -> None:
        """End the log, that of a tracker that has failed too: a service may allow one at a time."""
        if self.tracker is None:
            return
        if self.failed:
            with suppress(Exception):  # it has been told already
                self.tracker.finish()
        else:
            self._send(lambda tracker: tracker.finish())
        self.tracker = None

    def _log(self, values: Mapping[str, Any], step: int) -> None:
        numbers = {name: value for name, value in values.items() if isinstance(value, int | float)}
        self._send(lambda tracker: tracker.log(numbers, step=step))

    def _send(self, send: Callable[[Any], None]) -> None:
        """Use the tracker; once it fails, a warning tells of it, and nothing more is sent."""
        if self.failed or not self.ranks.main:
            return
        try:
            self._begin()
            send(self.tracker)
        except Exception as error:  # whatever a service raises, a run is worth more than its log
            self.failed = True
            warnings.warn(
                f"--track {self.service} has failed, and nothing more is sent; the run itself goes on. "
                f"{type(error).__name__}: {error}",
                stacklevel=2,
            )

    def _begin(self, step: int | None = None) -> None:
        """Open the tracker unless it is open; what an earlier part of the run sent from `step` on is void."""
        if self.tracker is not None or not self.ranks.main:
            return
        try:
            known = self._identities()
            arguments = _arguments(self.service, self.folder, self.label, known.get(self.service), step)
            tracker = LOGGER_TYPE_TO_CLASS[self.service](*arguments.pop("place"), **arguments)
            if hasattr(tracker, "start"):  # in older releases of accelerate, making one starts it
                tracker.start()
            identity = _identity(self.service, tracker.tracker)
        except Exception as error:
            raise ConfigError(
                f"--track {self.service} cannot begin: {type(error).__name__}: {error}. Mend it, or leave "
                "--track out."
            ) from error
        self.tracker = tracker
        if identity is not None:
            with replacing(self.folder / IDENTITY) as temporary:
                temporary.write_text(json.dumps(known | {self.service: identity}) + "\n")

    def _identities(self) -> dict[str, str]:
        path = self.folder / IDENTITY
        identities: dict[str, str] = json.loads(read_text(path)) if path.is_file() else {}
        return identities


def final_scores(result: RunResult) -> dict[str, Any]:
    """Return what a run has scored, in percent, with its floors and numbers of samples, by `split/...`."""
    values: dict[str, Any] = {}
    for split, scores in result.scores.items():
        tables = scores | {f"floor/{guess}": floor for guess, floor in result.floors.get(split, {}).items()}
        for table, metrics in tables.items():
            values |= {f"{split}/{table}/{name}": value for name, value in metrics.items()}
        if counts := result.samples.get(split):
            values[f"{split}/samples"] = counts.used
    return values


def _arguments(
    service: str, folder: Path, label: str, identity: str | None, step: int | None
) -> dict[str, Any]:
    """Return what the class of a tracker is called with, those by place as `place`."""
    if service == "tensorboard":
        return {"place": ["tensorboard"], "logging_dir": str(folder), "purge_step": step}
    if service == "mlflow":
        return {"place": [PROJECT], "run_name": label, "run_id": identity}
    if service == "wandb":
        return {"place": [PROJECT], "name": label, "id": identity, "resume": "allow", "dir": str(folder)}
    return {"place": [PROJECT], "name": identity or label, "resume": "must" if identity else "never"}


def _identity(service: str, run: Any) -> str | None:
    """Return by what a service finds a run again; TensorBoard finds it by its folder."""
    if service == "tensorboard":
        return None
    if service == "mlflow":
        return str(run.info.run_id)
    return str(run.id if service == "wandb" else run.name)


def _log_picture(tracker: Any, service: str, picture: Path, step: int) -> None:
    """Send a picture where the tracker takes some."""
    if hasattr(tracker, "log_images"):
        with Image.open(picture) as opened:
            images = np.asarray(opened.convert("RGB"))[None]
        layout = {"dataformats": "NHWC"} if service == "tensorboard" else {}
        tracker.log_images({"gallery": images}, step=step, **layout)
