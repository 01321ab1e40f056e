"""The training loop, one for all methods: batches, gradients, steps; any number of ranks."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import Tensor

from avprompt.config.method_config import TrainingOptions
from avprompt.data.inputs import InputSpec
from avprompt.distributed import Ranks, Rows, ranks
from avprompt.errors import DataError, TrainingError
from avprompt.features.encoding import Encoding
from avprompt.model.method import Method
from avprompt.records import Missing, Sample
from avprompt.training.batches import ClipBatch, training_batches
from avprompt.training.optimisation import make_optimizer, schedule, total_steps
from avprompt.training.state import Journal, StepReport, check_numbers
from avprompt.training.step import Encoded, RowNoise, TrainingStep, mix


@dataclass
class Trainer:
    """Trains a method on clips and leaves its log, and on the way its resume state, in `folder`.

    With several ranks, all of them run the same trainer on their share of every batch; the main one writes.

    Attributes:
        method: with weights read; moved to the accelerator's device.
        samples: the training split.
        spec: how the method takes its inputs.
        options: the composition's training options.
        seed: of shuffling, augmentation and noise.
        accelerator: device, precision and processes.
        folder: the run directory.
        encoding: the method's frozen encoders; without, each input is encoded every time.
        strict: stop at the first clip that cannot be read.
        save_every: steps between two resume states.
        on_step: called after every step.
        skipped: clips that could not be read, of all ranks once training has ended.
    """

    method: Method
    samples: Sequence[Sample]
    spec: InputSpec
    options: TrainingOptions
    seed: int
    accelerator: Accelerator
    folder: Path
    encoding: Encoding | None = None
    strict: bool = False
    save_every: int = 100
    on_step: Callable[[StepReport], None] = lambda step: None
    skipped: dict[str, Missing] = field(default_factory=dict)

    def run(self, *, resume: bool = False) -> None:
        """Train to the last step.

        Raises:
            TrainingError: a loss or gradient is not a number, or there is nothing to train or to train on.
            DataError: with `strict`, a clip cannot be read.
        """
        check_trainable(self.method, self.samples)
        check_shares(self.options, ranks())
        self._set_up()
        start = self.journal.restore(self.method, self.optimizer, self.skipped) if resume else 0
        self.journal.open(start)
        done, trained = start, start
        try:
            for clips in self._batches(start):
                report = self._step(clips, done)
                done += 1  # from here on an interruption must not repeat the step
                if report is not None:
                    trained += 1
                    self.journal.note(report)
                    self.on_step(report)
                if done % self.save_every == 0 and done < self.total:
                    self.journal.save(done, self.method, self.optimizer, self.skipped)
        except KeyboardInterrupt:
            self.journal.save(done, self.method, self.optimizer, self.skipped)
            raise
        finally:
            self.journal.close()
        self._finish(trained)

    def _set_up(self) -> None:
        self.ranks = ranks()
        self.journal = Journal(self.folder, writes=self.ranks.main)
        self.total = total_steps(self.options, len(self.samples))
        self.method.to(self.accelerator.device).train()
        self.encoding = self.encoding or Encoding(self.method)
        self.module: torch.nn.Module = TrainingStep(self.method, self.accelerator.autocast)
        if self.ranks.size > 1:
            self.module = self.accelerator.prepare(self.module)
        self.optimizer = self.accelerator.prepare(make_optimizer(self.method, self.options))

    def _batches(self, start: int) -> Iterator[tuple[ClipBatch, ...]]:
        """Yield the batches of each step from `start` on."""
        each = self.options.accumulate
        assert self.encoding is not None
        batches = training_batches(
            self.samples,
            self.spec,
            self.options,
            self.seed,
            range(start * each, self.total * each),
            ranks=self.ranks,
            stored=self.encoding.stored,
            device=self.accelerator.device,
        )
        return zip(*[batches] * each, strict=True)

    def _step(self, batches: Sequence[ClipBatch], step: int) -> StepReport | None:
        """Average the gradients of some batches, and take a step; None where no batch can be used."""
        self._note_skipped(batches)
        first = step * self.options.accumulate
        used = [(first + k, clips, rows) for k, clips in enumerate(batches) if (rows := self._rows(clips))]
        if not used:
            return None
        began = time.perf_counter()
        rate = self._schedule(step)
        self.optimizer.zero_grad(set_to_none=True)
        found = []
        for number, clips, rows in used:
            encoded = self._encode(number, clips, rows)
            joined = number == used[-1][0]  # gradients travel between ranks once a step
            with nullcontext() if joined else self.accelerator.no_sync(self.module):
                losses = self.module(encoded)
                self.accelerator.backward(losses["total"] / len(used))
            self._check(losses, 0.0, encoded, clips, step)
            found.append({name: float(value.detach()) for name, value in losses.items()})
        norm = self._clip_gradients()
        if self.accelerator.scaler is None:  # with fp16 the optimiser leaves out steps that overflow
            self._check(losses, norm, encoded, clips, step)
        self.optimizer.step()
        speed = sum(sum(rows.counts) for _, _, rows in used) / (time.perf_counter() - began)
        return StepReport(step, self.total, self._mean(found), norm, rate, round(speed, 1))

    def _rows(self, clips: ClipBatch) -> Rows | None:
        """Return how a batch lies over the ranks, or None where it has too few clips to contrast."""
        rows = self.ranks.rows(len(clips.ids))
        fewest = min(rows.counts) if self.options.negatives == "local" else sum(rows.counts)
        return rows if min(rows.counts) > 0 and fewest > 1 else None

    def _encode(self, number: int, clips: ClipBatch, rows: Rows) -> Encoded:
        assert self.encoding is not None
        assert clips.pixels is not None
        torch.manual_seed(mix(self.seed, number, self.ranks.rank))  # of dropout
        pixels = self.spec.normalise(clips.pixels.to(self.accelerator.device, non_blocking=True))
        with self.accelerator.autocast():
            image = self.encoding.images(pixels, clips.image_keys)
            frames = self.encoding.frames(clips.sounds)
        contrasted = rows if self.options.negatives == "global" else Rows((len(pixels),))
        return Encoded(pixels, image, frames, RowNoise(self.seed, number, rows.start), contrasted)

    def _schedule(self, step: int) -> float:
        rate = self.options.learning_rate * schedule(self.options, step, self.total)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["scale"]
        return rate

    def _clip_gradients(self) -> float:
        limit = self.options.clip_norm or math.inf
        parameters = [p for p in self.method.parameters() if p.requires_grad]
        return float(self.accelerator.clip_grad_norm_(parameters, limit))

    def _mean(self, found: list[dict[str, float]]) -> dict[str, float]:
        """Return the mean of each loss over batches, and over ranks where each has its own."""
        if self.options.negatives == "local":
            found = [losses for each in self.ranks.objects(found) for losses in each]
        return {name: sum(losses[name] for losses in found) / len(found) for name in found[0]}

    def _check(
        self, losses: dict[str, Tensor], norm: float, encoded: Encoded, clips: ClipBatch, step: int
    ) -> None:
        name = "not-a-number" if self.ranks.main else f"not-a-number-{self.ranks.rank}"
        check_numbers(losses, norm, encoded, clips.ids, step, self.folder / f"{name}.safetensors")

    def _note_skipped(self, batches: Sequence[ClipBatch]) -> None:
        skipped = [missing for clips in batches for missing in clips.skipped]
        if self.strict and skipped:
            raise DataError(f"Stopped at clip '{skipped[0].id}' (--strict): {skipped[0].reason}")
        self.skipped.update({missing.id: missing for missing in skipped})

    def _finish(self, trained: int) -> None:
        for others in self.ranks.objects(self.skipped):
            self.skipped.update(others)
        if self.skipped and not trained:
            first = next(iter(self.skipped.values()))
            raise TrainingError(f"No batch had two clips that can be read. '{first.id}': {first.reason}")
        self.journal.finish()


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


def check_shares(options: TrainingOptions, ranks: Ranks) -> None:
    """Make sure that a batch gives every rank enough clips.

    Raises:
        TrainingError: it does not.
    """
    share, least = options.batch_size // ranks.size, 2 if options.negatives == "local" else 1
    if share < least:
        each = "two clips, which --negatives local contrasts" if least == 2 else "a clip"
        raise TrainingError(
            f"A batch of {options.batch_size} clips does not give each of {ranks.size} processes {each}. "
            f"Use --batch-size {least * ranks.size} or more, or fewer processes."
        )
