"""How far training has come, and what it leaves: its log, the state to go on from, a batch that broke it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from avprompt.errors import TrainingError
from avprompt.model.method import Method
from avprompt.records import Missing
from avprompt.training.objective import EncodedBatch
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
class Progress:
    """How far training has come.

    Attributes:
        done: steps that are over, and so the number of the next one.
        trained: whether any of them has changed the method.
        skipped: clips that could not be read, by id.
    """

    done: int = 0
    trained: bool = False
    skipped: dict[str, Missing] = field(default_factory=dict)


@dataclass(frozen=True)
class Journal:
    """The log and the resume state in a run directory.

    Attributes:
        folder: the run directory.
        method: whose trained parts are kept.
        optimizer: kept likewise.
        writes: only the main rank does.
    """

    folder: Path
    method: Method
    optimizer: torch.optim.Optimizer
    writes: bool = True

    @contextmanager
    def log(self, start: int) -> Iterator[Callable[[StepReport], object]]:
        """Open the log for steps from `start` on, and give what writes a step down.

        Later lines, of a run that was interrupted, go.
        """
        if not self.writes:
            yield lambda report: None
            return
        path = self.folder / LOG_FILE
        lines = path.read_text().splitlines()[:start] if start and path.exists() else []
        with path.open("w", buffering=1) as file:
            file.writelines(line + "\n" for line in lines if json.loads(line)["step"] < start)
            yield lambda report: file.write(json.dumps(asdict(report)) + "\n")

    def save(self, progress: Progress) -> None:
        """Keep everything that going on from here needs."""
        if not self.writes:
            return
        state = {
            "step": progress.done,
            "parts": trained_state(self.method),
            "optimizer": self.optimizer.state_dict(),
            "skipped": {missing.id: missing.reason for missing in progress.skipped.values()},
        }
        save_training_state(self.folder / RESUME_FILE, state)

    def restore(self) -> Progress:
        """Put back what was saved, and return how far that was.

        Raises:
            WeightsError: there is nothing, or it is of another method.
        """
        path = self.folder / RESUME_FILE
        state: dict[str, Any] = load_training_state(path)
        load_state(self.method, state["parts"], f"'{path}'")
        self.optimizer.load_state_dict(state["optimizer"])
        skipped = {name: Missing(name, reason) for name, reason in state["skipped"].items()}
        return Progress(int(state["step"]), trained=state["step"] > 0, skipped=skipped)


def check_finite(numbers: Mapping[str, float], batch: EncodedBatch, step: int, path: Path) -> None:
    """Make sure that losses, and the length of their gradient, are numbers.

    Args:
        numbers: by what they are.
        batch: what led to them.
        step: of training.
        path: where the batch goes when it led to none.

    Raises:
        TrainingError: one is not finite.
    """
    if all(map(math.isfinite, numbers.values())):
        return
    tensors = {"pixels": batch.pixels.contiguous(), "frames": batch.frames.contiguous()}
    save_file(tensors, path, metadata={"ids": json.dumps(batch.ids), "step": str(step)})
    values = ", ".join(f"{name} {number:.4g}" for name, number in numbers.items())
    raise TrainingError(
        f"Training stopped at step {step}: a loss or gradient is not a number ({values}). "
        f"The batch is in '{path}'. Try a lower training.learning_rate or --precision no."
    )
