"""The training objective: from encoded clips to the losses, the same however a batch lies over the ranks."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from avprompt.distributed import Rows
from avprompt.model.method import Method
from avprompt.records import ImageFeatures


@dataclass(frozen=True)
class RowNoise:
    """Uniform noise for the hard masks, drawn image by image.

    What image i of a batch is given depends on seed, batch and i alone, so a resumed run draws it again,
    and so does a run over other ranks.

    Attributes:
        seed: of the run.
        batch: number of the batch, from the beginning of training.
        start: the place in the batch of the first row that is asked for.
    """

    seed: int
    batch: int
    start: int = 0

    def __call__(self, logits: Tensor) -> Tensor:
        """Return noise in 0..1 shaped as `logits` (b, ...)."""
        noise, draw = torch.empty_like(logits), torch.Generator(logits.device)
        for row, image in enumerate(noise, start=self.start):
            image.uniform_(generator=draw.manual_seed(mix(self.seed, self.batch, row)))
        return noise


def mix(*numbers: int) -> int:
    """Return a seed made of several numbers, at least 0."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0])


@dataclass(frozen=True)
class EncodedBatch:
    """A rank's share of a batch, as the frozen encoders have made it.

    Attributes:
        ids: of its b clips.
        pixels: (b, 3, H, W) normalised.
        image: features of these pixels; None where the method has prompt tokens in the image encoder, which
            then works inside the step.
        frames: (b, L, W) features of the sounds.
        noise: draws the noise of the hard masks.
        rows: where the clips stand among those that they are contrasted with.
    """

    ids: tuple[str, ...]
    pixels: Tensor
    image: ImageFeatures | None
    frames: Tensor
    noise: RowNoise
    rows: Rows


class Objective(nn.Module):
    """What gradients flow through, as one module: DDP wraps it."""

    def __init__(self, method: Method, mixed_precision: Callable[[], AbstractContextManager[None]]) -> None:
        super().__init__()
        self.method, self.mixed_precision = method, mixed_precision

    def forward(self, batch: EncodedBatch) -> dict[str, Tensor]:
        """Return the weighted losses by name, and their sum as `total`."""
        with self.mixed_precision():
            grounding = self.method(batch.pixels, batch.image, batch.frames, batch.noise, batch.rows)
        with torch.autocast(batch.pixels.device.type, enabled=False):  # losses stay in float32
            return self.method.loss_terms(grounding)
