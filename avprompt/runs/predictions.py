"""Prediction dumps: heatmaps on disk, so that new protocols need no new forward pass.

A dump is a folder with one subfolder a split, one compressed file a batch: ids, and for every condition the
heatmaps in half precision and the confidences. Scores of a dump agree with those of the run to about 0.01
points; a pixel that lies on a threshold may fall to the other side.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from pydantic import ValidationError

from avprompt.data.benchmark import BenchmarkAdapter
from avprompt.errors import DataError
from avprompt.evaluation.measure import MeasuredSamples, join, measure_batch
from avprompt.files import replacing
from avprompt.metrics.protocol import Protocol
from avprompt.records import Missing, Prediction, Sample, Split
from avprompt.runs.assessment import assess
from avprompt.runs.directory import RunDirectory
from avprompt.runs.results import RunResult, write_results

ABOUT = "dump.json"
SCORED = ("samples", "scores", "floors", "ceilings", "audio_reliance", "intervals", "breakdowns")


@dataclass(frozen=True)
class PredictionWriter:
    """Keeps the predictions of one split in a folder; ranks may write side by side."""

    folder: Path

    def write(self, number: int, samples: Sequence[Sample], predictions: Mapping[str, Prediction]) -> None:
        """Write the predictions, by condition, of the batch of this number in its split."""
        arrays: dict[str, np.ndarray] = {"id": np.array([sample.id for sample in samples])}
        for condition, prediction in predictions.items():
            arrays[f"{condition}/heatmap"] = prediction.heatmap.numpy().astype(np.float16)
            arrays[f"{condition}/confidence"] = prediction.confidence.numpy().astype(np.float32)
        with replacing(self.folder / f"{number:06d}.npz") as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)


def describe_dump(folder: Path, result: RunResult) -> None:
    """Keep in the dump what it is of: the result of the run without its scores."""
    empty: dict[str, dict[str, object]] = {key: {} for key in SCORED}
    with replacing(folder / ABOUT) as temporary:
        temporary.write_text(result.model_copy(update=empty).model_dump_json(indent=2) + "\n")


def read_about(folder: Path) -> RunResult:
    """Return what a dump says of itself, a result without scores.

    Raises:
        DataError: the folder is no dump.
    """
    try:
        return RunResult.model_validate_json((folder / ABOUT).read_text())
    except (OSError, ValidationError) as error:
        raise DataError(
            f"'{folder}' is no prediction dump (made with --save-predictions): {error}"
        ) from error


def measure_dump(folder: Path, split: Split, protocols: Sequence[Protocol]) -> MeasuredSamples:
    """Measure the predictions of one split against the benchmark's truths.

    Raises:
        DataError: the dump has samples that the split has not, or none of them.
    """
    places = {split.samples[index].id: index for index in range(len(split.samples))}
    batches = []
    for ids, predictions in _batches(folder):
        unknown = [name for name in ids if name not in places]
        if unknown:
            raise DataError(
                f"The dump '{folder}' has '{unknown[0]}', which this split of the dataset has not."
            )
        samples = [split.samples[places[name]] for name in ids]
        batches.append(measure_batch([places[name] for name in ids], samples, predictions, protocols))
    if not batches:
        raise DataError(f"The dump holds no predictions in '{folder}'.")
    measured = join(batches)
    absent = places.keys() - set(measured.ids)
    reason = "not in the prediction dump"
    return replace(
        measured, missing={k: Missing(name, reason) for name, k in places.items() if name in absent}
    )


def _batches(folder: Path) -> Iterator[tuple[list[str], dict[str, Prediction]]]:
    for path in sorted(folder.glob("*.npz")):
        with np.load(path, allow_pickle=False) as arrays:
            conditions = [key.removesuffix("/heatmap") for key in arrays.files if key.endswith("/heatmap")]
            predictions = {
                condition: Prediction(
                    torch.from_numpy(arrays[f"{condition}/heatmap"].astype(np.float32)),
                    torch.from_numpy(arrays[f"{condition}/confidence"]),
                )
                for condition in conditions
            }
            yield [str(name) for name in arrays["id"]], predictions


def score_dump(
    folder: Path, adapter: BenchmarkAdapter, protocols: Sequence[Protocol], by: Sequence[str], output: Path
) -> RunResult:
    """Score a dump by any protocols, and write results and tables to `output`.

    Raises:
        DataError: no dump, or not of this benchmark.
    """
    result = read_about(folder)
    result.headline = (protocols[0].name, protocols[0].headline)
    names = sorted(path.name for path in folder.iterdir() if path.is_dir())
    splits = {name: adapter.split(name) for name in names}
    measured = {name: measure_dump(folder / name, split, protocols) for name, split in splits.items()}
    validation = measured.get(adapter.validation_split or "")
    tests = {name: split for name, split in splits.items() if name != adapter.validation_split}
    assess(result, RunDirectory(output), tests, measured, validation, protocols, by=by)
    write_results(result, output)
    return result
