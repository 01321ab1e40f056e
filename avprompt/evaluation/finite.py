"""Maps that hold no numbers are refused: scored like others, they would count as right in a silent frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from avprompt.errors import EvaluationError
from avprompt.records import Prediction, Sample


def check_finite(rows: Tensor, names: Sequence[str], what: str) -> None:
    """Make sure that every number is one.

    Args:
        rows: (B, ...) of B samples.
        names: of the samples.
        what: the rows are, and of which sound.

    Raises:
        EvaluationError: NaN or infinity; names the first sample that has it.
    """
    finite = rows.isfinite().flatten(1).all(1) if rows.ndim > 1 else rows.isfinite()
    for name, numbers in zip(names, finite.tolist(), strict=True):
        if not numbers:
            raise EvaluationError(
                f"{what} of '{name}' holds NaN or infinity, so nothing is made of it. "
                "Look at this clip with `avprompt data check`, compute with --precision no, or use other "
                "weights."
            )


def check_predictions(predictions: Mapping[str, Prediction], samples: Sequence[Sample]) -> None:
    """Make sure that heatmaps and confidences are numbers.

    Args:
        predictions: by condition, B each; under `distractor` only for samples that have one.
        samples: B of them.

    Raises:
        EvaluationError: one is not finite; names the sample and the condition.
    """
    for condition, prediction in predictions.items():
        distracted = condition == "distractor"
        names = [sample.id for sample in samples if not distracted or sample.distractor is not None]
        check_finite(prediction.heatmap, names, f"The heatmap (sound: {condition})")
        check_finite(prediction.confidence, names, f"The confidence (sound: {condition})")
