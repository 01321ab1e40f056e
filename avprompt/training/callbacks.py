"""The callbacks of a run at work: called in order, asked whether to stop, shown the validation split."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from avprompt.distributed import Ranks
from avprompt.errors import PluginError
from avprompt.model.method import Method
from avprompt.promises import describe
from avprompt.training.callback import Callback, TrainerState
from avprompt.training.state import Progress, StepReport

Validate = Callable[[], tuple[str, Mapping[str, Any]]]
"""Scores the method as it is; returns the name of the headline score, and all scores in percent."""


@dataclass(frozen=True)
class Callbacks:
    """Calls the callbacks of a run.

    Attributes:
        members: by name, in the order of the method.
        method: that is trained.
        total: steps from the first to the last.
        folder: the run directory.
        ranks: which all call the same callbacks.
        validate_every: steps between two validations; there is one after the last step, too. None: never.
        validate: scores the validation split, where there are validations.
    """

    members: Mapping[str, Callback]
    method: Method
    total: int
    folder: Path
    ranks: Ranks
    validate_every: int | None = None
    validate: Validate | None = None

    def start(self, progress: Progress) -> None:
        """Begin, or go on with what was saved."""
        for name, callback in self.members.items():
            callback.on_train_start(self._state(progress))
            if name in progress.callbacks:
                callback.load_state_dict(progress.callbacks[name])

    def after_step(self, progress: Progress, report: StepReport) -> None:
        """Show a step that is over, and validate where that is due."""
        if self.members and not report.left_out:
            state = replace(
                self._state(progress),
                losses=report.losses,
                learning_rate=report.learning_rate,
                gradient_norm=report.gradient_norm,
            )
            with progress.unsettled():
                progress.stopped = self._ask("on_step", state)

    def validate_if_due(self, progress: Progress) -> Mapping[str, Any] | None:
        """Score the validation split every so many steps and after the last; show and return the scores."""
        if self.validate is None or not self._due(progress):
            return None
        state = self._state(progress)
        with self._evaluated(state):
            try:
                headline, scores = self.validate()
            finally:
                self.method.train()  # scoring leaves it in evaluation mode
            with progress.unsettled():
                reason = self._ask("on_validate", replace(state, scores=scores, headline=headline))
        progress.stopped, progress.validated = progress.stopped or reason, progress.done
        return scores

    def end(self, progress: Progress) -> None:
        """Leave the method as it is to be kept, and note what a reader of the results must know."""
        state = self._state(progress)
        if progress.stopped:
            stopped = f"Training stopped after step {progress.done} of {self.total}: {progress.stopped}"
            progress.notes.append(stopped)
        if (parts := self._parts(state)) is not None:
            state.load(parts)
        for name, callback in self.members.items():
            if note := _text(callback, "on_end", callback.on_end(state)):
                progress.notes.append(f"{name}: {note}")

    def _due(self, progress: Progress) -> bool:
        done = progress.done
        if self.validate_every is None or done in (0, progress.validated):
            return False
        return done % self.validate_every == 0 or done == self.total or bool(progress.stopped)

    def _state(self, progress: Progress) -> TrainerState:
        return TrainerState(self.method, progress.done, self.total, self.folder, self.ranks.main)

    def _ask(self, hook: str, state: TrainerState) -> str:
        """Call all callbacks; returns why training is to stop, which the main rank decides for all."""
        answers = {
            name: _text(callback, hook, getattr(callback, hook)(state))
            for name, callback in self.members.items()
        }
        reasons = [f"{name}: {reason}" for name, reason in answers.items() if reason]
        return self.ranks.share("; ".join(reasons))

    @contextmanager
    def _evaluated(self, state: TrainerState) -> Iterator[None]:
        """Have the trained parts in the method that are to be validated, and then those of training again."""
        parts = self._parts(state)
        if parts is None:
            yield
            return
        reached = {name: value.clone() for name, value in state.trained.items()}
        state.load(parts)
        try:
            yield
        finally:
            state.load(reached)

    def _parts(self, state: TrainerState) -> Mapping[str, Tensor] | None:
        every = {name: callback.evaluated(state) for name, callback in self.members.items()}
        offered = {name: parts for name, parts in every.items() if parts is not None}
        if len(offered) > 1:
            raise PluginError(
                f"The callbacks {' and '.join(offered)} each put other trained parts in place of those of "
                "training. Leave one of them out."
            )
        return next(iter(offered.values()), None)


def _text(callback: Callback, hook: str, answer: Any) -> str:
    """Return what a callback says, which is a text or nothing.

    Raises:
        PluginError: it is something else.
    """
    if answer is None or isinstance(answer, str):
        return answer or ""
    raise PluginError(f"{describe(callback)} must return a text or None from '{hook}', not {answer!r}.")
