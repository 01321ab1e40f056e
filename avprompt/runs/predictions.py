"""Prediction dumps: heatmaps on disk, so that new protocols need no new forward pass.

A dump is a folder with one subfolder a split, one compressed file a batch: ids, and for every condition the
heatmaps in half precision and the confidences. Scores of a dump agree with those of the run to about 0.01
points; a pixel that lies on a threshold may fall to the other side.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from avprompt.data.benchmark import BenchmarkAdapter
from avprompt.errors import DataError
from avprompt.evaluation.joining import join
from avprompt.evaluation.measure import Maps, Measured, Measurer, Part
from avprompt.files import replacing
from avprompt.metrics.protocol import Protocol
from avprompt.records import Missing, Sample, Split
from avprompt.runs.assessment import Assessment
from avprompt.runs.results import RunResult, write_results

DUMP = "predictions"
ABOUT = "dump.json"
SCORED = ("samples", "scores", "floors", "ceilings", "audio_reliance", "intervals", "breakdowns")


@dataclass
class Writer:
    """Keeps the predictions of one split; ranks may write side by side."""

    folder: Path

    def keep(self, number: int, samples: Sequence[Sample], found: dict[str, Maps]) -> None:
        """Write the batch of this number in its split."""
        arrays: dict[str, np.ndarray] = {"id": np.array([sample.id for sample in samples])}
        for condition, maps in found.items():
            arrays[f"{condition}/heatmap"] = maps.heatmap.astype(np.float16)
            arrays[f"{condition}/confidence"] = maps.confidence.astype(np.float32)
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


def measure_dump(folder: Path, split: Split, protocols: Sequence[Protocol]) -> Measured:
    """Measure the predictions of one split against the benchmark's truths.

    Raises:
        DataError: the dump has samples that the split has not, or none of them.
    """
    places = {split.samples[index].id: index for index in range(len(split.samples))}
    part, measurer = Part(), Measurer(protocols)
    for ids, found in _batches(folder):
        strange = [name for name in ids if name not in places]
        if strange:
            raise DataError(
                f"The dump '{folder}' has '{strange[0]}', which this split of the dataset has not."
            )
        at = [places[name] for name in ids]
        part.blocks.append(measurer.measure(at, [split.samples[index] for index in at], found))
    if not part.blocks:
        raise DataError(f"The dump holds no predictions in '{folder}'.")
    seen = {place for block in part.blocks for place in block.places}
    absent = Missing("", "not in the prediction dump")
    part.missing = {k: replace(absent, id=name) for name, k in places.items() if k not in seen}
    return join([part], split, protocols)


def _batches(folder: Path) -> Iterator[tuple[list[str], dict[str, Maps]]]:
    for path in sorted(folder.glob("*.npz")):
        with np.load(path, allow_pickle=False) as arrays:
            conditions = [key.removesuffix("/heatmap") for key in arrays.files if key.endswith("/heatmap")]
            found = {
                name: Maps(arrays[f"{name}/heatmap"].astype(np.float32), arrays[f"{name}/confidence"])
                for name in conditions
            }
            yield [str(name) for name in arrays["id"]], found


def score_dump(
    folder: Path, adapter: BenchmarkAdapter, protocols: Sequence[Protocol], by: Sequence[str], output: Path
) -> RunResult:
    """Score a dump by any protocols, and write results and tables to `output`.

    Raises:
        DataError: no dump, or not of this benchmark.
    """
    assessment = Assessment(read_about(folder), protocols, by)
    assessment.result.headline = (protocols[0].name, protocols[0].headline)
    names = sorted(path.name for path in folder.iterdir() if path.is_dir())
    if adapter.validation_split in names:
        names.remove(adapter.validation_split)
        split = adapter.split(adapter.validation_split)
        assessment.validation = measure_dump(folder / adapter.validation_split, split, protocols)
    for name in names:
        split = adapter.split(name)
        assessment.add(name, measure_dump(folder / name, split, protocols))
    assessment.write(output)
    write_results(assessment.result, output)
    return assessment.result
