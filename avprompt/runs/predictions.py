"""Scoring a prediction dump by any protocols, without a new forward pass.

Scores of a dump agree with those of the run to about 0.01 points: its heatmaps are kept in half precision, so
a pixel that lies on a threshold may fall to the other side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from avprompt.data.benchmark import BenchmarkAdapter
from avprompt.errors import DataError
from avprompt.evaluation.breakdown import check_breakdown
from avprompt.evaluation.measure import MeasuredSamples, check_needs, join, measure_batch
from avprompt.metrics.protocol import Protocol
from avprompt.plugin.discovery import Loaded
from avprompt.records import Missing, Prediction, Sample, Split
from avprompt.runs.assessment import assess
from avprompt.runs.directory import RunDirectory, unused
from avprompt.runs.dump import ABOUT, read_about, read_batch
from avprompt.runs.plugin_files import checksums, keep_copies
from avprompt.runs.results import VALIDATION, RunResult, write_results
from avprompt.runs.session import open_adapter


def score_dump(
    loaded: Loaded,
    folder: Path,
    output: Path | None = None,
    *,
    dataset: str | None = None,
    data_root: Path | None = None,
    protocols: Sequence[str] = (),
    by: Sequence[str] = (),
) -> RunResult:
    """Score a dump, and write results and tables.

    Args:
        loaded: plugins and the registry.
        folder: the dump.
        output: a new folder; `scored` beside the dump, with a number where that exists, unless given.
        dataset: whose truths to score against; the dump's own unless given.
        data_root: its folder; that of the run beside the dump unless given.
        protocols: registered names, the headline first; all of the dataset's unless given.
        by: what to break the headline down by.

    Raises:
        DataError: no dump, a damaged one, or not of this benchmark.
        ConfigError: `output` holds something.
    """
    result = read_about(folder)
    made_on, result.dataset = result.dataset, dataset or result.dataset
    adapter = open_adapter(loaded, result.dataset, data_root or _recorded_root(folder, result.dataset))
    scorers = [
        loaded.registry.load("protocols", name)() for name in dict.fromkeys(protocols or adapter.protocols)
    ]
    result.headline = (scorers[0].name, scorers[0].headline)
    check_breakdown(scorers[0], by)
    beside = folder if folder.name else folder.resolve()
    directory = RunDirectory(output or unused(beside.with_name("scored")))
    directory.claim(resume=False)
    splits = _splits(folder, adapter)
    for split in splits.values():
        check_needs(scorers, split.samples[:1], result.dataset)
    measured = {name: measure_dump(folder / name, split, scorers) for name, split in splits.items()}
    recorded = result.digests
    for name, samples in measured.items():
        key = VALIDATION if name == adapter.validation_split else name
        _check_digests(result, folder / name, recorded.get(key, {}), samples)
    validation = measured.get(adapter.validation_split or "")
    tests = {name: split for name, split in splits.items() if name != adapter.validation_split}
    result.plugin_files |= checksums(loaded)
    with directory.held(resume=False):
        keep_copies(loaded, directory)
        assess(result, directory, tests, measured, validation, scorers, by=by)
        result.published = [
            scores
            for scores in result.published
            if made_on == result.dataset and result.is_whole(scores.split, adapter.expected)
        ]
        result.folder = directory.path
        write_results(result, directory.path)
    return result


def measure_dump(folder: Path, split: Split, protocols: Sequence[Protocol]) -> MeasuredSamples:
    """Measure the predictions of one split against the benchmark's truths.

    Raises:
        DataError: the dump has samples that the split has not, one of them twice, or none; or a file of it is
            damaged, or does not fit the benchmark.
    """
    places = {split.samples[index].id: index for index in range(len(split.samples))}
    files: dict[str, Path] = {}
    batches = []
    for path in sorted(folder.glob("*.npz")):
        ids, predictions = read_batch(path)
        for name in ids:
            if name not in places:
                raise DataError(
                    f"The dump's '{path}' has '{name}', which this split of the dataset has not. Score it on "
                    "the data that it was made of (--dataset, --data-root)."
                )
            if name in files:
                raise DataError(
                    f"The dump has '{name}' twice: in '{files[name]}' and in '{path}'. Remove what is there "
                    "once too often."
                )
            files[name] = path
        samples = [split.samples[places[name]] for name in ids]
        _check_fit(path, samples, predictions)
        batches.append(measure_batch([places[name] for name in ids], samples, predictions, protocols))
    if not batches:
        raise DataError(f"The dump holds no predictions in '{folder}'.")
    reason = "not in the prediction dump"
    absent = {index: Missing(name, reason) for name, index in places.items() if name not in files}
    return replace(join(batches), missing=absent)


def _splits(folder: Path, adapter: BenchmarkAdapter) -> dict[str, Split]:
    """Return the splits that a dump has folders of."""
    names = sorted(path.name for path in folder.iterdir() if path.is_dir() and path.name[0] != ".")
    if not set(names) - {adapter.validation_split}:
        raise DataError(
            f"The dump '{folder}' has no test split to score: it must have a folder for each, such as "
            f"'{adapter.test_splits[0]}', with the batches in it."
        )
    try:
        return {name: adapter.split(name) for name in names}
    except DataError as error:
        raise DataError(f"The dump '{folder}' has folders that do not fit the dataset: {error}") from error


def _check_fit(path: Path, samples: Sequence[Sample], predictions: Mapping[str, Prediction]) -> None:
    """Make sure that maps are as large as the truths, and that distractors have theirs."""
    truth = samples[0].truth
    if truth is None:
        raise DataError(f"'{path.parent}' cannot be scored: '{samples[0].id}' is not annotated.")
    for condition, prediction in predictions.items():
        size = tuple(prediction.heatmap.shape[1:])
        if size != truth.mask.shape:
            raise DataError(
                f"'{path}' has maps of {size} under '{condition}', and the truths are {truth.mask.shape}: "
                "resize the maps to that."
            )
    distractors = sum(sample.distractor is not None for sample in samples)
    maps = len(predictions["distractor"].heatmap) if "distractor" in predictions else distractors
    if maps != distractors:
        raise DataError(
            f"'{path}' has {maps} maps under 'distractor', and {distractors} of its samples have a "
            "distractor: it takes one map for each of these."
        )


def _check_digests(
    result: RunResult, folder: Path, recorded: Mapping[str, str], measured: MeasuredSamples
) -> None:
    """Make sure that a split holds the samples that the dump says, if it does; note truths that changed."""
    digests = measured.digests
    if recorded.get("ids", digests["ids"]) != digests["ids"]:
        raise DataError(
            f"'{folder}' holds {len(measured)} samples, which are not all those that it was made of: {ABOUT} "
            "has another digest of their ids. Files are missing or were added: copy the whole dump again. If "
            f'that was on purpose, remove "digests" from {ABOUT}.'
        )
    if recorded.get("truths", digests["truths"]) != digests["truths"]:
        result.notes.append(f"the truths of '{folder.name}' are not those that the run was scored against")


def _recorded_root(folder: Path, dataset: str) -> Path | None:
    """Return the data root of the run that a dump lies in, where there is one and it is of that dataset."""
    try:
        recorded = RunDirectory(folder.resolve().parent).recorded()
    except DataError:
        return None
    return recorded.data_root if recorded.dataset == dataset else None
