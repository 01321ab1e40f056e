"""One training step: batches encoded, their gradients averaged, numbers checked, parameters changed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from avprompt.data.inputs import InputSpec
from avprompt.distributed import ALONE, Ranks, Rows
from avprompt.features.encoding import Encoding
from avprompt.training.batches import ClipBatch
from avprompt.training.guard import check_finite
from avprompt.training.objective import EncodedBatch, RowNoise, mix
from avprompt.training.optimisation import Optimisation
from avprompt.training.state import Progress, StepReport

NOTHING_TO_CONTRAST = "no two clips that can be read"
OVERFLOW = "its gradient was too large for fp16"

Numbered = tuple[int, ClipBatch, Rows]
"""A batch's number since training began, this rank's clips of it, and how it lies over the ranks."""


@dataclass(frozen=True)
class TrainingStep:
    """Takes one training step after the other.

    Attributes:
        spec: how the method takes its inputs.
        encoding: the method's frozen encoders.
        optimisation: of the method's trained parts.
        seed: of noise and dropout.
        ranks: which all take the same step.
        folder: where a batch goes whose loss or gradient is not finite.
    """

    spec: InputSpec
    encoding: Encoding
    optimisation: Optimisation
    seed: int
    ranks: Ranks
    folder: Path

    def __call__(self, progress: Progress, batches: Sequence[ClipBatch]) -> StepReport:
        """Step along the mean gradient of some batches; nothing is changed where none can be used.

        Raises:
            NotFiniteError: a loss or the gradient is not a number; nothing is changed.
        """
        step, total, began = progress.done, self.optimisation.total, time.perf_counter()
        usable = self._usable(step, batches)
        if not usable:
            return progress.leave_out(total, NOTHING_TO_CONTRAST)
        rate = self.optimisation.start_step(step)
        losses, norm = self._gradients(step, usable)
        mean = self._mean(losses)
        with progress.changing():
            left_out = "" if self.optimisation.change_parameters() else OVERFLOW
        clips = sum(sum(rows.counts) for _, _, rows in usable)
        speed = round(clips / (time.perf_counter() - began), 1)
        return StepReport(step, total, mean, norm, rate, speed, left_out)

    def _usable(self, step: int, batches: Sequence[ClipBatch]) -> list[Numbered]:
        """Return the batches of which every rank has a clip, and a clip something to contrast with."""
        usable = []
        for number, clips in enumerate(batches, start=step * self.optimisation.options.accumulate):
            rows = self.ranks.rows(len(clips.ids))
            contrasted = sum(rows.counts) if self._across_ranks else min(rows.counts)
            if min(rows.counts) > 0 and contrasted > 1:
                usable.append((number, clips, rows))
        return usable

    def _gradients(self, step: int, batches: Sequence[Numbered]) -> tuple[list[dict[str, float]], float]:
        """Average the gradients of batches; returns the losses of each, and the length of the gradient."""
        *others, last = batches
        with self.optimisation.without_exchange():  # gradients travel between ranks once a step
            losses = [self._add_gradients(step, self._encode(*batch), len(batches)) for batch in others]
        encoded = self._encode(*last)
        losses.append(self._add_gradients(step, encoded, len(batches)))
        norm = self.optimisation.clip_gradients()
        if not self.optimisation.leaves_out_overflow:
            self._check(losses[-1] | {"gradient norm": norm}, encoded, step)
        return losses, norm

    def _add_gradients(self, step: int, batch: EncodedBatch, batches: int) -> dict[str, float]:
        losses = self.optimisation.add_gradients(batch, batches)
        self._check(losses, batch, step)
        return losses

    def _encode(self, number: int, clips: ClipBatch, rows: Rows) -> EncodedBatch:
        assert clips.pixels is not None
        accelerator = self.optimisation.accelerator
        torch.manual_seed(mix(self.seed, number, self.ranks.rank))  # of dropout
        pixels = self.spec.normalise(clips.pixels.to(accelerator.device, non_blocking=True))
        with accelerator.autocast():
            inside = self.encoding.method.prompts_images  # encoded with gradients, in the objective
            image = None if inside else self.encoding.images(pixels, clips.image_keys)
            frames = self.encoding.frames(clips.sounds)
        contrasted = rows if self._across_ranks else ALONE.rows(len(pixels))
        noise = RowNoise(self.seed, number, rows.start)
        return EncodedBatch(clips.ids, pixels, image, frames, noise, contrasted)

    def _mean(self, losses: list[dict[str, float]]) -> dict[str, float]:
        """Return the mean of each loss over batches, and over ranks where each has its own."""
        if not self._across_ranks:
            losses = [own for rank in self.ranks.objects(losses) for own in rank]
        return {name: sum(terms[name] for terms in losses) / len(losses) for name in losses[0]}

    def _check(self, numbers: dict[str, float], batch: EncodedBatch, step: int) -> None:
        every = [numbers] if self._across_ranks else self.ranks.objects(numbers)
        check_finite(every, batch, step, self.ranks, self.folder)

    @property
    def _across_ranks(self) -> bool:
        """Whether clips are contrasted with those of all ranks."""
        return self.optimisation.options.negatives == "global"
