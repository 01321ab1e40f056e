"""What training leaves in its folder: its log, the state to go on from, and a batch that broke it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO

import torch
from safetensors.torch import save_file
from torch import Tensor

from avprompt.errors import TrainingError
from avprompt.model.method import Method
from avprompt.records import Missing
from avprompt.training.step import Encoded
from avprompt.weights.checkpoint import load_state, load_training_state, save_training_state, trained_state

RESUME_FILE = "resume.pt"
LOG_FILE = "train.jsonl"


@dataclass(frozen=True)
class StepReport:
    """What one training step did: losses by term, and clips a second."""

    step: int
    of: int
    losses: dict[str, float]
    gradient_norm: float
    learning_rate: float
    clips_per_second: float


@dataclass
class Journal:
    """The log and the resume state in a run directory.

    Attributes:
        folder: the run directory.
        writes: only the main rank does.
    """

    folder: Path
    writes: bool = True
    _log: TextIO | None = field(default=None, init=False)

    def open(self, start: int) -> None:
        """Open the log for steps from `start` on; later lines of an interrupted run go."""
        if not self.writes:
            return
        path = self.folder / LOG_FILE
        kept = path.read_text().splitlines()[:start] if start and path.exists() else []
        self._log = path.open("w", buffering=1)
        self._log.writelines(line + "\n" for line in kept if json.loads(line)["step"] < start)

    def note(self, step: StepReport) -> None:
        """Write a step down."""
        if self._log is not None:
            self._log.write(json.dumps(asdict(step)) + "\n")

    def close(self) -> None:
        """Close the log."""
        if self._log is not None:
            self._log.close()

    def save(
        self, step: int, method: Method, optimizer: torch.optim.Optimizer, skipped: dict[str, Missing]
    ) -> None:
        """Keep everything that going on from a step needs."""
        if not self.writes:
            return
        state = {
            "step": step,
            "parts": trained_state(method),
            "optimizer": optimizer.state_dict(),
            "skipped": {missing.id: missing.reason for missing in skipped.values()},
        }
        save_training_state(self.folder / RESUME_FILE, state)

    def restore(self, method: Method, optimizer: torch.optim.Optimizer, skipped: dict[str, Missing]) -> int:
        """Put back what was saved, and return the step to go on with.

        Raises:
            WeightsError: there is nothing, or it is of another method.
        """
        path = self.folder / RESUME_FILE
        state: dict[str, Any] = load_training_state(path)
        load_state(method, state["parts"], f"'{path}'")
        optimizer.load_state_dict(state["optimizer"])
        skipped.update({name: Missing(name, reason) for name, reason in state["skipped"].items()})
        return int(state["step"])

    def finish(self) -> None:
        """Training is over: there is nothing to go on from."""
        if self.writes:
            (self.folder / RESUME_FILE).unlink(missing_ok=True)


def check_numbers(
    losses: dict[str, Tensor], norm: float, clips: Encoded, ids: Sequence[str], step: int, path: Path
) -> None:
    """Make sure that a loss and the length of its gradient are numbers.

    Args:
        losses: by term, with `total`.
        norm: of the gradient.
        clips: what led to them.
        ids: of the clips.
        step: of training.
        path: where clips go that led to none.

    Raises:
        TrainingError: one is not finite.
    """
    if torch.isfinite(losses["total"]) and math.isfinite(norm):
        return
    tensors = {"pixels": clips.pixels.contiguous(), "frames": clips.frames.contiguous()}
    save_file(tensors, path, metadata={"ids": json.dumps(list(ids)), "step": str(step)})
    terms = ", ".join(f"{name} {float(value.detach()):.4g}" for name, value in losses.items())
    raise TrainingError(
        f"Training stopped at step {step}: a loss or gradient is not a number ({terms}; gradient norm "
        f"{norm:.4g}). The batch is in '{path}'. Try a lower training.learning_rate or --precision no."
    )
