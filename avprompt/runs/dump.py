"""The files of a prediction dump: heatmaps on disk, written whole and checked when they are read.

A dump is a folder with `dump.json`, which says what it is of, and one subfolder a split. In there each batch
has a compressed file (npz, any name) with the arrays `id` (B,), the samples' ids as text, and for every
condition `CONDITION/heatmap` (B, H, W), in 0..1, and `CONDITION/confidence` (B,). The condition `true` is
always there; under `distractor` are only the samples that have one. Arrays without a slash in their name are
ignored.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from pydantic import ValidationError

from avprompt.config.options import explain
from avprompt.errors import DataError
from avprompt.evaluation.contexts import CONDITIONS as ALTERED_CONTEXT
from avprompt.evaluation.sounds import ALTERED
from avprompt.files import read_npz, read_text, replacing
from avprompt.records import Prediction, Sample
from avprompt.runs.directory import RunDirectory
from avprompt.runs.results import RunResult

ABOUT = "dump.json"
CONDITIONS = ("true", *ALTERED, *ALTERED_CONTEXT, "text-prompt", "tagger")
SCORED = (
    *("samples", "scores", "floors", "ceilings", "class_supervised", "audio_reliance", "context_reliance"),
    *("intervals", "breakdowns"),
)

Arrays = Mapping[str, np.ndarray]


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
    with replacing(folder / ABOUT) as temporary:
        temporary.write_text(_without_scores(result).model_dump_json(indent=2) + "\n")


def read_about(folder: Path) -> RunResult:
    """Return what a dump says of itself, a result without scores.

    Raises:
        DataError: the folder is no dump, or what it says of itself is damaged.
    """
    path = folder / ABOUT
    if not path.is_file():
        raise DataError(_no_dump(folder))
    try:
        return _without_scores(RunResult.model_validate(json.loads(read_text(path))))
    except ValidationError as error:
        reason = explain(error, "it", RunResult)
    except (OSError, DataError, ValueError, RecursionError) as error:
        reason = str(error)
    raise DataError(
        f"'{path}' does not say what the dump is of: {reason}\nCopy it again, or make the dump again with "
        "--save-predictions."
    )


def read_batch(path: Path) -> tuple[list[str], dict[str, Prediction]]:
    """Return the ids of a batch, and its predictions by condition.

    Raises:
        DataError: the file cannot be read, or its arrays are not those of a batch.
    """
    try:
        arrays = read_npz(path)
    except DataError as error:
        raise DataError(f"{error} Copy it again, or make the dump again.") from error
    try:
        ids = _ids(arrays)
        return ids, {name: _prediction(arrays, name, ids) for name in _conditions(arrays)}
    except DataError as error:
        raise DataError(f"'{path}' is no batch of a prediction dump: {error}") from error


def _ids(arrays: Arrays) -> list[str]:
    ids = arrays.get("id", np.zeros(0))
    if ids.ndim != 1 or ids.dtype.kind != "U" or not len(ids):
        raise DataError(
            f"'id' must be (B,) ids as text, np.array(ids, dtype=str), and is {_seen(arrays, 'id')}."
        )
    return [str(name) for name in ids]


def _conditions(arrays: Arrays) -> list[str]:
    """Return the conditions that a batch was predicted under, the names of its arrays checked."""
    conditions = list(dict.fromkeys(("true", *(name.rpartition("/")[0] for name in arrays if "/" in name))))
    for condition in conditions:
        if condition not in CONDITIONS:
            raise DataError(f"there is no condition '{condition}', only {', '.join(CONDITIONS)}.")
    expected = [f"{condition}/{part}" for condition in conditions for part in ("heatmap", "confidence")]
    absent = [name for name in expected if name not in arrays]
    if absent:
        raise DataError(f"it lacks '{absent[0]}'; it holds {', '.join(arrays)}.")
    return conditions


def _prediction(arrays: Arrays, condition: str, ids: Sequence[str]) -> Prediction:
    """Return what was predicted of samples under a condition, its arrays checked."""
    names = f"{condition}/heatmap", f"{condition}/confidence"
    heatmap, confidence = (arrays[name] for name in names)
    if heatmap.ndim != 3 or heatmap.dtype.kind not in "fiub":
        raise DataError(f"'{names[0]}' must be (B, H, W) numbers, and is {_seen(arrays, names[0])}.")
    if confidence.shape != heatmap.shape[:1] or confidence.dtype.kind not in "fiu":
        raise DataError(
            f"'{names[1]}' must be ({len(heatmap)},) numbers, as '{names[0]}', and is "
            f"{_seen(arrays, names[1])}."
        )
    if condition != "distractor" and len(heatmap) != len(ids):
        raise DataError(f"it has {len(ids)} ids and {len(heatmap)} maps in '{names[0]}'.")
    heatmap, confidence = heatmap.astype(np.float32), confidence.astype(np.float32)
    if not ((heatmap >= 0) & (heatmap <= 1)).all():
        raise DataError(
            f"'{names[0]}' must be in 0..1 everywhere, and holds {heatmap.min():g} to {heatmap.max():g}."
        )
    if not np.isfinite(confidence).all():
        raise DataError(f"'{names[1]}' holds NaN or infinity.")
    return Prediction(torch.from_numpy(heatmap), torch.from_numpy(confidence))


def _seen(arrays: Arrays, name: str) -> str:
    array = arrays.get(name)
    return "not there" if array is None else f"{array.dtype} {array.shape}"


def _without_scores(result: RunResult) -> RunResult:
    empty: dict[str, dict[str, object]] = {name: {} for name in SCORED}
    return result.model_copy(update=empty)


def _no_dump(folder: Path) -> str:
    """Say why a folder is no dump, and where the dump that is wanted may be."""
    run = RunDirectory(folder)
    if (run.predictions / ABOUT).is_file():
        return f"'{folder}' is a run. Its prediction dump is '{run.predictions}': score that."
    if run.config.is_file():
        again = f"avprompt evaluate {folder} --save-predictions"
        return f"'{folder}' is a run that kept no predictions. Make them: {again}"
    reason = f"there is no {ABOUT} in it" if folder.is_dir() else "there is no such folder"
    return (
        f"'{folder}' is no prediction dump: {reason}. Runs with --save-predictions leave one, `predictions`."
    )
