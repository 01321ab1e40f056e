"""Where a method computes: the device, and the processes that train or evaluate together."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from avprompt.errors import AvpromptError, TrainingError

if TYPE_CHECKING:
    from accelerate import Accelerator

T = TypeVar("T")


@dataclass(frozen=True)
class Rows:
    """The rows of a batch that is spread over ranks, in the order of ranks.

    Attributes:
        counts: how many rows each rank has.
        rank: whose rows are at hand.
    """

    counts: tuple[int, ...]
    rank: int = 0

    @property
    def start(self) -> int:
        """The place of the first own row in the whole batch."""
        return sum(self.counts[: self.rank])

    def gather(self, own: Tensor) -> Tensor:
        """Return the rows (b, ...) of all ranks as (B, ...).

        The gradient of a row is the sum of what all ranks ask of it. Where every rank makes the same loss
        of the gathered rows, and gradients are then averaged over ranks (as DDP does), the result is the
        gradient of that loss in one process.
        """
        if len(self.counts) == 1:
            return own
        gathered: Tensor = _Gather.apply(own, self)
        return gathered


@dataclass(frozen=True)
class Ranks:
    """A group of processes, and which of them this one is. All of them must call the same methods in turn.

    Attributes:
        rank: of this process, from 0.
        size: how many there are; 1 makes every method return what it was given.
    """

    rank: int = 0
    size: int = 1

    @property
    def main(self) -> bool:
        """Whether this process writes files and speaks to people."""
        return self.rank == 0

    def rows(self, own: int) -> Rows:
        """Return the layout of a batch of which this rank has so many rows."""
        return Rows(tuple(self.objects(own)), self.rank)

    def objects(self, item: T) -> list[T]:
        """Return every rank's item, in the order of ranks; items must pickle."""
        if self.size == 1:
            return [item]
        items: list[Any] = [None] * self.size
        dist.all_gather_object(items, item)
        return items

    def share(self, item: T) -> T:
        """Return the main rank's item."""
        return self.objects(item)[0]

    def wait(self) -> None:
        """Wait for all ranks to come here."""
        if self.size > 1:
            dist.barrier()


ALONE = Ranks()


def ranks() -> Ranks:
    """Return the ranks that the launcher started, once accelerate has set them up; one otherwise."""
    if not (dist.is_available() and dist.is_initialized()):
        return ALONE
    return Ranks(dist.get_rank(), dist.get_world_size())


def end_ranks() -> None:
    """Let all ranks end together; a rank that leaves while others talk may abort as its process ends."""
    if dist.is_available() and dist.is_initialized():
        dist.barrier()
        dist.destroy_process_group()


def launched_rank() -> int:
    """Return the rank that a launcher gave this process, known before the processes have met."""
    return int(os.environ.get("RANK", "0"))


def launched_size() -> int:
    """Return how many processes a launcher started, known before they have met."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def make_accelerator(device: str, precision: str) -> Accelerator:
    """Return accelerate's handle on device, precision and the processes that a launcher started.

    Args:
        device: `auto`, `cpu` or `cuda`.
        precision: `no` (float32), `bf16` or `fp16`.

    Raises:
        TrainingError: no such device here, or it does not compute in this precision.
    """
    from accelerate import Accelerator, DistributedDataParallelKwargs
    from accelerate.state import AcceleratorState

    if device == "cuda" and not torch.cuda.is_available():
        raise TrainingError("--device cuda: PyTorch sees no CUDA device here. Use --device cpu.")
    AcceleratorState._reset_state(reset_partial_state=True)  # one process may train with several settings
    # accelerate joins processes without a GPU only when it is told that they have none.
    cpu = device == "cpu" or (launched_size() > 1 and not torch.cuda.is_available())
    reached = DistributedDataParallelKwargs(
        find_unused_parameters=True
    )  # methods differ in what a step reaches
    try:
        accelerator = Accelerator(cpu=cpu, mixed_precision=precision, kwargs_handlers=[reached])
    except ValueError as error:
        raise TrainingError(f"--precision {precision}: {error} Use --precision no.") from error
    if precision != "no" and not accelerator.native_amp:  # accelerate would compute in float32 and not say so
        kind = accelerator.device.type.upper()
        raise TrainingError(f"--precision {precision}: a {kind} does not compute in it. Use bf16, or no.")
    return accelerator


def together(ranks: Ranks, work: Callable[[], T]) -> list[T]:
    """Do this rank's work, and return that of all ranks in the order of ranks.

    What a user can mend is raised on every rank, so that none waits for one that has gone.
    """
    done: T | None = None
    error: AvpromptError | None = None
    try:
        done = work()
    except AvpromptError as caught:
        error = caught
    parts = ranks.objects((done, error))
    for failed in [theirs for _, theirs in parts if theirs is not None]:
        raise failed
    return [part for part, _ in parts]  # type: ignore[misc]  # without an error there is a part


def merged(parts: Sequence[Mapping[int, T]]) -> dict[int, T]:
    """Return what ranks have by place in the split, in the order of places."""
    every = {place: item for part in parts for place, item in part.items()}
    return dict(sorted(every.items(), key=lambda pair: pair[0]))


class _Gather(torch.autograd.Function):
    """Joins the rows of all ranks; backward sums the gradients of all ranks and keeps the own rows."""

    @staticmethod
    def forward(ctx: Any, own: Tensor, rows: Rows) -> Tensor:
        ctx.own = slice(rows.start, rows.start + len(own))
        padded = own.new_zeros(max(rows.counts), *own.shape[1:])
        padded[: len(own)] = own
        parts = [torch.empty_like(padded) for _ in rows.counts]
        dist.all_gather(parts, padded)
        return torch.cat([part[:count] for part, count in zip(parts, rows.counts, strict=True)])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        total = gradients[0].contiguous().clone()
        dist.all_reduce(total)
        return total[ctx.own], None
