"""The training loop, one for all methods: optimiser, schedule, guard, log, resume."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from safetensors.torch import save_file
from torch import Tensor

from avprompt.composition import TrainingOptions
from avprompt.errors import DataError, TrainingError
from avprompt.loading import Clips, View, steps_per_epoch, training_batches
from avprompt.method import Method
from avprompt.records import Batch, Missing, Sample
from avprompt.weights.checkpoint import load_state, load_training_state, save_training_state, trained_state

RESUME_FILE = "resume.pt"
LOG_FILE = "train.jsonl"


@dataclass(frozen=True)
class Step:
    """What one training step did: losses by term, and clips a second."""

    step: int
    of: int
    losses: dict[str, float]
    gradient_norm: float
    learning_rate: float
    clips_per_second: float


@dataclass
class Trainer:
    """Trains a method on clips and leaves its log, and on the way its resume state, in `folder`.

    Attributes:
        method: with weights read; moved to the accelerator's device.
        samples: the training split.
        view: how the method takes its inputs.
        options: the composition's training options.
        seed: of shuffling, augmentation and noise.
        accelerator: device and precision.
        folder: the run directory.
        strict: stop at the first clip that cannot be read.
        save_every: steps between two resume states.
        on_step: called after every step.
    """

    method: Method
    samples: Sequence[Sample]
    view: View
    options: TrainingOptions
    seed: int
    accelerator: Accelerator
    folder: Path
    strict: bool = False
    save_every: int = 100
    on_step: Callable[[Step], None] = lambda step: None
    skipped: dict[str, Missing] = field(default_factory=dict)

    def run(self, *, resume: bool = False) -> None:
        """Train to the last step.

        Raises:
            TrainingError: a loss or gradient is not a number, or there is nothing to train or to train on.
            DataError: with `strict`, a clip cannot be read.
        """
        check_trainable(self.method, self.samples)
        total = total_steps(self.options, len(self.samples))
        self.method.to(self.accelerator.device).train()
        optimizer = self.accelerator.prepare(make_optimizer(self.method, self.options))
        start = self._resume(optimizer) if resume else 0
        log = _open_log(self.folder / LOG_FILE, start)
        batches = training_batches(self.samples, self.view, self.options, self.seed, range(start, total))
        done = start
        try:
            for clips in batches:
                report = self._step(optimizer, clips, done, total)
                done += 1  # from here on an interruption must not repeat the step
                if report is not None:
                    log.write(json.dumps(report.__dict__) + "\n")
                    self.on_step(report)
                if done % self.save_every == 0 and done < total:
                    self._save(optimizer, done)
        except KeyboardInterrupt:
            self._save(optimizer, done)
            raise
        finally:
            log.close()
        self._check_that_something_was_read()
        (self.folder / RESUME_FILE).unlink(missing_ok=True)

    def _check_that_something_was_read(self) -> None:
        if self.skipped and not (self.folder / LOG_FILE).stat().st_size:
            first = next(iter(self.skipped.values()))
            raise TrainingError(f"No batch had two clips that can be read. '{first.id}': {first.reason}")

    def _step(self, optimizer: torch.optim.Optimizer, clips: Clips, step: int, total: int) -> Step | None:
        self._note_skipped(clips)
        batch = clips.batch(self.view, self.accelerator.device)
        if batch is None or len(clips.ids) < 2:
            return None  # one clip has nothing to be contrasted with
        began = time.perf_counter()
        torch.manual_seed(self.seed * 1_000_003 + step)  # so that a resumed run draws the same noise
        rate = self._schedule(optimizer, step, total)
        with self.accelerator.autocast():
            grounding = self.method.ground(batch)
        losses = self.method.loss_terms(grounding)  # outside autocast: losses stay in float32
        optimizer.zero_grad(set_to_none=True)
        self.accelerator.backward(losses["total"])
        norm = self._clip_gradients()
        self._guard(losses, norm, clips, batch, step)
        optimizer.step()
        speed = len(clips.ids) / (time.perf_counter() - began)
        terms = {name: float(value.detach()) for name, value in losses.items()}
        return Step(step, total, terms, norm, rate, round(speed, 1))

    def _schedule(self, optimizer: torch.optim.Optimizer, step: int, total: int) -> float:
        rate = self.options.learning_rate * schedule(self.options, step, total)
        for group in optimizer.param_groups:
            group["lr"] = rate * group["scale"]
        return rate

    def _clip_gradients(self) -> float:
        limit = self.options.clip_norm or math.inf
        parameters = [p for p in self.method.parameters() if p.requires_grad]
        return float(self.accelerator.clip_grad_norm_(parameters, limit))

    def _guard(self, losses: dict[str, Tensor], norm: float, clips: Clips, batch: Batch, step: int) -> None:
        """Stop before a number that is none reaches the parameters, and keep what led to it."""
        rescaled = self.accelerator.scaler is not None  # fp16: the optimiser skips overflowing steps itself
        if torch.isfinite(losses["total"]) and (rescaled or math.isfinite(norm)):
            return
        path = self.folder / "not-a-number.safetensors"
        tensors = {"pixels": batch.pixels, "waveform": batch.waveform}
        save_file(tensors, path, metadata={"ids": json.dumps(clips.ids), "step": str(step)})
        terms = ", ".join(f"{name} {float(value.detach()):.4g}" for name, value in losses.items())
        raise TrainingError(
            f"Training stopped at step {step}: a loss or gradient is not a number ({terms}; gradient norm "
            f"{norm:.4g}). The batch is in '{path}'. Try a lower training.learning_rate or --precision no."
        )

    def _note_skipped(self, clips: Clips) -> None:
        if self.strict and clips.skipped:
            first = clips.skipped[0]
            raise DataError(f"Stopped at clip '{first.id}' (--strict): {first.reason}")
        self.skipped.update({missing.id: missing for missing in clips.skipped})

    def _save(self, optimizer: torch.optim.Optimizer, step: int) -> None:
        state = {
            "step": step,
            "parts": trained_state(self.method),
            "optimizer": optimizer.state_dict(),
            "skipped": {missing.id: missing.reason for missing in self.skipped.values()},
        }
        save_training_state(self.folder / RESUME_FILE, state)

    def _resume(self, optimizer: torch.optim.Optimizer) -> int:
        state = load_training_state(self.folder / RESUME_FILE)
        load_state(self.method, state["parts"], f"'{self.folder / RESUME_FILE}'")
        optimizer.load_state_dict(state["optimizer"])
        self.skipped.update({name: Missing(name, reason) for name, reason in state["skipped"].items()})
        return int(state["step"])


def check_trainable(method: Method, samples: Sequence[Sample]) -> None:
    """Make sure that there is something to train, on something, towards something.

    Raises:
        TrainingError: there is not.
    """
    if not method.trainable_parameters():
        raise TrainingError("This method has no parameter to train; use `avprompt evaluate`.")
    if not any(loss.config.weight for name, loss in method.parts().items() if name.startswith("losses.")):
        raise TrainingError("This method has no loss with a weight, so there is nothing to train towards.")
    if len(samples) < 2:
        raise TrainingError(f"Training needs at least two clips to contrast; there are {len(samples)}.")


def total_steps(options: TrainingOptions, samples: int) -> int:
    """Return how many steps the options ask for on so many clips."""
    return options.steps or options.epochs * steps_per_epoch(samples, options.batch_size)


def make_optimizer(method: Method, options: TrainingOptions) -> torch.optim.Adam:
    """Return Adam with one group a part, so that each has its own rate and weight decay."""
    groups: list[dict[str, Any]] = []
    for part in method.trained_parts().values():
        own: float | None = getattr(part.config, "weight_decay", None)
        groups.append(
            {
                "params": [p for p in part.parameters() if p.requires_grad],
                "scale": getattr(part.config, "learning_rate_scale", 1.0),
                "weight_decay": options.weight_decay if own is None else own,
            }
        )
    return torch.optim.Adam(groups, lr=options.learning_rate)


def schedule(options: TrainingOptions, step: int, total: int) -> float:
    """Return the factor of the learning rate at a step: a linear rise, then constant or a cosine."""
    warmup = min(options.warmup_steps, total - 1)
    if step < warmup:
        return (step + 1) / (warmup + 1)
    if options.schedule == "constant":
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, total - warmup)))


def make_accelerator(device: str, precision: str) -> Accelerator:
    """Return accelerate's handle on device and precision.

    Args:
        device: `auto`, `cpu` or `cuda`.
        precision: `no` (float32), `bf16` or `fp16`.

    Raises:
        TrainingError: no such device here.
    """
    from accelerate.state import AcceleratorState

    if device == "cuda" and not torch.cuda.is_available():
        raise TrainingError("--device cuda: PyTorch sees no CUDA device here. Use --device cpu.")
    AcceleratorState._reset_state(reset_partial_state=True)  # one process may train with several settings
    return Accelerator(cpu=device == "cpu", mixed_precision=precision)


def _open_log(path: Path, start: int) -> Any:
    """Open the log for lines of steps from `start` on; later lines of an interrupted run go."""
    kept = path.read_text().splitlines()[:start] if start and path.exists() else []
    log = path.open("w", buffering=1)
    log.writelines(line + "\n" for line in kept if json.loads(line)["step"] < start)
    return log
