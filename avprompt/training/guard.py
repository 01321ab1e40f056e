"""The guard of training: no step is taken along numbers that are not finite, and the clips are named."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path

from avprompt.distributed import Ranks
from avprompt.errors import TrainingError, listed
from avprompt.training.objective import EncodedBatch
from avprompt.weights.tensors import write_tensors

NAMED = 32  # clips, at most; the file of the batch names all

NOT_FINITE = "a loss or gradient is not a number"


class NotFiniteError(TrainingError):
    """A loss or gradient is not a number."""


def check_finite(
    numbers: Sequence[Mapping[str, float]], batch: EncodedBatch, step: int, ranks: Ranks, folder: Path
) -> None:
    """Make sure that losses, and the length of their gradient, are numbers.

    All ranks check the same numbers, so that all of them stop where one is not finite.

    Args:
        numbers: by what they are.
        batch: this rank's share of what led to them.
        step: of training.
        ranks: that take it.
        folder: where the batch goes when it led to none.

    Raises:
        NotFiniteError: one is not finite.
    """
    broken = [terms for terms in numbers if not all(map(math.isfinite, terms.values()))]
    if not broken:
        return
    values = ", ".join(f"{name} {number:.4g}" for name, number in broken[0].items())
    clips = _quoted(ranks.objects(batch.ids))
    culprits = listed(_quoted(ranks.objects(_without_features(batch))), NAMED)
    blame = f"Look at {culprits} first, which the encoders make no numbers of. " if culprits else ""
    raise NotFiniteError(
        f"Training stopped at step {step}: {NOT_FINITE} ({values}). "
        f"The batch had the clips {listed(clips, NAMED)}; {_keep(batch, step, ranks, folder)}. {blame}"
        "The same command with --resume goes on without this batch. If it stops again at others, training "
        "diverges: begin again with a lower training.learning_rate, or with --precision no."
    )


def _without_features(batch: EncodedBatch) -> list[str]:
    """Return the clips of which an encoder has made something that is not finite."""
    images = () if batch.image is None else (batch.image.pooled, batch.image.dense)
    features = (batch.frames, *images)
    finite = [tensor.flatten(1).isfinite().all(1).tolist() for tensor in features]
    return [clip for clip, *every in zip(batch.ids, *finite, strict=True) if not all(every)]


def _keep(batch: EncodedBatch, step: int, ranks: Ranks, folder: Path) -> str:
    """Write a batch down, and say where."""
    path = folder / ("not-a-number.safetensors" if ranks.main else f"not-a-number-{ranks.rank}.safetensors")
    tensors = {"pixels": batch.pixels, "frames": batch.frames}
    try:
        write_tensors(path, tensors, {"ids": json.dumps(batch.ids), "step": str(step)})
    except Exception as error:  # what stopped training is more than that
        return f"it could not be kept in '{path}' ({error})"
    return f"it is in '{path}'"


def _quoted(clips: Iterable[Iterable[str]]) -> list[str]:
    return [f"'{clip}'" for clip in chain(*clips)]
