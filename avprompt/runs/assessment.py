"""Assessment: what was measured on the splits of a run becomes its scores, its tables and its gallery."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from avprompt.evaluation.measure import MeasuredSamples
from avprompt.evaluation.score import SplitScores, sample_rows, score
from avprompt.metrics.protocol import Protocol
from avprompt.pictures.gallery import save_clips, write_gallery
from avprompt.records import Missing, Split
from avprompt.runs.directory import RunDirectory
from avprompt.runs.results import FORMAT, VALIDATION, Counts, RunResult, write_rows, write_skipped


def assess(
    result: RunResult,
    directory: RunDirectory,
    splits: Mapping[str, Split],
    measured: Mapping[str, MeasuredSamples],
    validation: MeasuredSamples | None,
    protocols: Sequence[Protocol],
    *,
    by: Sequence[str] = (),
    skipped: Mapping[str, Sequence[Missing]] | None = None,
) -> None:
    """Score test splits, and write `samples.csv`, `skipped.csv` where there is need, and the gallery.

    Args:
        result: gets the scores.
        directory: gets the files.
        splits: by name, the headline first.
        measured: what was measured on each of them.
        validation: what was measured on the split where thresholds are chosen, if there is one.
        protocols: what to score by, the headline first.
        by: what to break the headline down by.
        skipped: what could not be used of other splits, by name.
    """
    rows: list[dict[str, object]] = []
    skipped = dict(skipped or {})
    result.format = FORMAT
    result.digests = {} if validation is None else {VALIDATION: validation.digests}
    for name, split in splits.items():
        test = measured[name]
        result.samples[name] = Counts(used=len(test), expected=split.expected)
        result.digests[name] = test.digests
        _add_scores(result, name, score(test, validation, protocols, by))
        rows += sample_rows(name, test, validation, protocols)
        skipped[name] = [*split.missing, *test.missing.values()]
    if rows:
        columns = dict.fromkeys(name for row in rows for name in row if name != "confidence")
        write_rows(directory.samples, rows, [*columns, "confidence"])
    write_skipped(directory.skipped, skipped)
    _write_gallery(result, directory, [measured[name] for name in splits])


def threshold(result: RunResult, split: str, protocol: str | None = None) -> float:
    """Return the threshold that makes masks for pictures: the one chosen for a protocol, or 0.5.

    That is the headline unless another is given.
    """
    scores = result.scores[split].get(protocol or result.headline[0], {})
    thresholds = scores.get("threshold", 0.5)
    return float(thresholds if isinstance(thresholds, int | float) else thresholds[0])


def _add_scores(result: RunResult, split: str, scores: SplitScores) -> None:
    result.scores[split] = scores.scores
    result.floors[split] = scores.floors
    result.ceilings[split] = scores.ceilings
    if scores.class_supervised:
        result.class_supervised[split] = scores.class_supervised
    result.audio_reliance[split] = scores.audio_reliance
    if scores.context_reliance:
        result.context_reliance[split] = scores.context_reliance
    result.intervals[split] = scores.intervals
    if scores.breakdowns:
        result.breakdowns[split] = scores.breakdowns


def _write_gallery(result: RunResult, directory: RunDirectory, tests: Sequence[MeasuredSamples]) -> None:
    """Show clips of the first split that has some."""
    clips = next((list(test.shown.values()) for test in tests if test.shown), [])
    if clips:
        title = f"{result.method} on {result.dataset} ({result.encoders} encoders)"
        save_clips(directory.path, clips)
        write_gallery(directory.gallery, clips, title, threshold(result, next(iter(result.scores))))
