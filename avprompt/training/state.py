"""How far training has come, and what it leaves: its log, and the state to go on from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from avprompt.files import file_errors, replacing
from avprompt.model.method import Method
from avprompt.records import Missing
from avprompt.training.callback import Callback
from avprompt.training.optimisation import Optimisation
from avprompt.weights.checkpoint import load_state, load_training_state, save_training_state, trained_state

RESUME_FILE = "resume.pt"
LOG_FILE = "train.jsonl"


@dataclass(frozen=True)
class StepReport:
    """What one training step did: losses by term, and clips a second.

    A step that was left out has changed nothing, and `left_out` says why.
    """

    step: int
    of: int
    losses: dict[str, float] = field(default_factory=dict)
    gradient_norm: float = 0.0
    learning_rate: float = 0.0
    clips_per_second: float = 0.0
    left_out: str = ""


@dataclass
class Progress:
    """How far training has come.

    Attributes:
        done: steps that are over, and so the number of the next one.
        trained: whether any of them has changed the method.
        skipped: clips that could not be read, by id.
        whole: whether the method is as these steps have left it, and not in the middle of a change.
        stopped: why a callback has ended training before its last step, and which one.
        validated: the number of steps that were over at the last validation.
        notes: what callbacks want a reader of the results to know.
        callbacks: what callbacks have saved, by name.
    """

    done: int = 0
    trained: bool = False
    skipped: dict[str, Missing] = field(default_factory=dict)
    whole: bool = True
    stopped: str = ""
    validated: int = 0
    notes: list[str] = field(default_factory=list)
    callbacks: dict[str, Any] = field(default_factory=dict, compare=False)

    def leave_out(self, total: int, reason: str) -> StepReport:
        """End a step of so many without a change, and report why."""
        report = StepReport(self.done, total, left_out=reason)
        self.done += 1
        return report

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Change the method by one step; what breaks off in here leaves a method that is of no step."""
        with self.unsettled():
            yield
            self.done += 1

    @contextmanager
    def unsettled(self) -> Iterator[None]:
        """Change what is saved; what breaks off in here leaves something that nobody may go on from."""
        self.whole = False
        yield
        self.whole = True


@dataclass(frozen=True)
class Journal:
    """The log and the resume state in a run directory.

    Attributes:
        folder: the run directory.
        method: whose trained parts are kept.
        optimisation: whose optimiser is kept likewise.
        callbacks: whose state is kept likewise, by name.
        writes: only the main rank does.
    """

    folder: Path
    method: Method
    optimisation: Optimisation
    callbacks: Mapping[str, Callback] = field(default_factory=dict)
    writes: bool = True

    def begin(self, start: int) -> None:
        """Begin the log, or go on with it from a step; later lines, of an interrupted run, go."""
        if self.writes:
            self._rewrite([line for line in read_log(self.folder) if line["step"] < start])

    def write_down(self, report: StepReport) -> None:
        """Add a step to the log.

        Raises:
            DataError: it cannot be written.
        """
        path = self.folder / LOG_FILE
        if self.writes:
            with file_errors(path), path.open("a") as file:
                file.write(json.dumps(asdict(report)) + "\n")

    def write_validation(self, step: int, scores: Mapping[str, Any]) -> None:
        """Add the scores of the validation split, in percent, to the line of the step before it.

        Raises:
            DataError: they cannot be written; the log stays as it is.
        """
        if self.writes:
            added = {"validation": dict(scores)}
            with file_errors(self.folder / LOG_FILE):
                lines = read_log(self.folder)
            self._rewrite([line | added if line["step"] == step else line for line in lines])

    def save(self, progress: Progress) -> None:
        """Keep everything that going on from here needs.

        Raises:
            DataError: it cannot be written; what was kept before is still there.
        """
        if not self.writes:
            return
        scaler = self.optimisation.accelerator.scaler
        state = {
            "step": progress.done,
            "trained": progress.trained,
            "parts": trained_state(self.method),
            "optimizer": self.optimisation.optimizer.state_dict(),
            "scaler": scaler.state_dict() if scaler else {},
            "stopped": progress.stopped,
            "validated": progress.validated,
            "callbacks": {name: callback.state_dict() for name, callback in self.callbacks.items()},
            "skipped": {missing.id: missing.reason for missing in progress.skipped.values()},
        }
        with file_errors():
            save_training_state(self.folder / RESUME_FILE, state)

    def restore(self) -> Progress:
        """Put back what was saved, and return how far that was.

        Raises:
            WeightsError: there is nothing, or it is of another method.
        """
        path = self.folder / RESUME_FILE
        state: dict[str, Any] = load_training_state(path)
        load_state(self.method, state["parts"], f"'{path}'")
        self.optimisation.optimizer.load_state_dict(state["optimizer"])
        if self.optimisation.accelerator.scaler and state["scaler"]:
            self.optimisation.accelerator.scaler.load_state_dict(state["scaler"])
        skipped = {name: Missing(name, reason) for name, reason in state["skipped"].items()}
        return Progress(
            int(state["step"]),
            trained=state["trained"],
            skipped=skipped,
            stopped=state.get("stopped", ""),  # older states have none of these
            validated=state.get("validated", 0),
            callbacks=state.get("callbacks", {}),
        )

    def _rewrite(self, lines: list[dict[str, Any]]) -> None:
        with file_errors(), replacing(self.folder / LOG_FILE) as temporary:
            temporary.write_text("".join(json.dumps(line) + "\n" for line in lines))


def read_log(folder: Path) -> list[dict[str, Any]]:
    """Return the lines of a training log, up to one that is no step's: a full disk leaves half a line."""
    path, lines = folder / LOG_FILE, []
    for text in path.read_text(errors="replace").splitlines() if path.exists() else []:
        try:
            line = json.loads(text)
        except (ValueError, RecursionError):
            break
        if not _is_step(line):
            break
        lines.append(line)
    return lines


def _is_step(line: Any) -> bool:
    """Say whether a line holds what is read of one."""
    return (
        isinstance(line, dict) and isinstance(line.get("step"), int) and isinstance(line.get("left_out"), str)
    )
