"""The interface of callbacks: what looks on while a method is trained, and may end training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from torch import Tensor

from avprompt.model.method import Method
from avprompt.training.parts import TrainingPart
from avprompt.weights.checkpoint import load_state


@dataclass(frozen=True)
class TrainerState:
    """How training stands when a callback is called; the same on every rank.

    Attributes:
        method: that is trained.
        step: steps that are over, 1 after the step that `train.jsonl` calls 0; more than 0 in
            `on_train_start` after `--resume`.
        total: steps from the first to the last.
        folder: the run directory; other files than the run's own may be put there.
        main: whether this process writes files; the others of several do not.
        losses: of the step, weighted, by term, and their sum as `total`; none before the first step.
        learning_rate: of the step, of parts whose scale is 1.
        gradient_norm: of the step, before it was clipped.
        scores: of the validation split under the headline protocol, in percent; in `on_validate` alone.
        headline: the one of `scores` that stands for the whole; higher is better.
    """

    method: Method
    step: int
    total: int
    folder: Path
    main: bool = True
    losses: Mapping[str, float] = field(default_factory=dict)
    learning_rate: float = 0.0
    gradient_norm: float = 0.0
    scores: Mapping[str, Any] = field(default_factory=dict)
    headline: str = ""

    @property
    def score(self) -> float:
        """The headline score of the validation split, in percent."""
        return float(self.scores[self.headline])

    @property
    def trained(self) -> dict[str, Tensor]:
        """The trained parts as they are, on their device, by `part.parameter`; clone what is kept."""
        return {
            f"{name}.{key}": value.detach()
            for name, part in self.method.trained_parts().items()
            for key, value in part.state_dict().items()
        }

    def load(self, trained: Mapping[str, Tensor]) -> None:
        """Put trained parts, named as in `trained`, into the method."""
        load_state(self.method, trained, "What a callback has kept of the trained parts")


class Callback(TrainingPart):
    """Looks on while a method is trained; every method does nothing unless written.

    Callbacks run on every rank with the same numbers. A text that `on_step` or `on_validate` returns ends
    training after this step, and says why.

    Attributes:
        needs_validation: whether it does nothing without `training.validate_every`.
    """

    needs_validation: ClassVar[bool] = False

    def on_train_start(self, state: TrainerState) -> None:
        """See the method before the first step, or before the first one after `--resume`."""

    def on_step(self, state: TrainerState) -> str | None:
        """See every step that has changed the method."""

    def on_validate(self, state: TrainerState) -> str | None:
        """See the scores of the validation split, and the method that has them; after `on_step`."""

    def on_end(self, state: TrainerState) -> str | None:
        """See the method after the last step, before it becomes the checkpoint; may change its trained parts.

        Returns:
            What a reader of the results must know, if anything.
        """

    def evaluated(self, state: TrainerState) -> Mapping[str, Tensor] | None:
        """Return other trained parts to validate, and to end with, than those that training has reached."""

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run must know: tensors, numbers, texts, and lists and tables of these."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take back what `state_dict` returned; called after `on_train_start`."""
