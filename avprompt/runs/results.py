"""What a run found: the record behind `results.json`, and the files of a run directory."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from avprompt.config.options import explain
from avprompt.data.benchmark import PublishedScores
from avprompt.errors import DataError
from avprompt.files import read_text, replacing
from avprompt.records import Missing
from avprompt.runs.directory import RunDirectory

VALIDATION = "validation"
"""Where the digests of the samples stand on which thresholds were chosen, whatever their split is called."""

FORMAT = 2
"""Of the numbers in results; before the first format with a number, some had another meaning."""

OUTDATED = (
    "an older release measured floors, ceilings, audio reliance, intervals and breakdowns otherwise than the "
    "headline: they are left out, score again with `avprompt evaluate`"
)

_BESIDE_SCORES = (
    "floors",
    "ceilings",
    "audio_reliance",
    "context_reliance",
    "class_supervised",
    "intervals",
    "breakdowns",
)

Metrics = dict[str, Any]


class Counts(BaseModel):
    """Samples used, of those that the official list names."""

    used: int
    expected: int


class Training(BaseModel):
    """How much a run was trained, and on what.

    Attributes:
        steps: that have changed the method.
        left_out: steps that have not, by the reason.
        clips: of the training split, all but those that training could not use.
    """

    steps: int
    left_out: dict[str, int]
    clips: Counts


class RunResult(BaseModel):
    """All numbers of one run; scores in percent.

    Attributes:
        training: None where nothing was trained.
        samples: by split.
        drawn: clips of which there are heatmaps and overlays, where the benchmark has all of them drawn.
        digests: split -> `ids` and `truths` -> SHA-256 of what was scored, see `avprompt.evaluation.truths`;
            under `VALIDATION` of the samples on which thresholds were chosen. Empty in results of releases
            that kept none.
        scores: split -> protocol -> metric.
        floors: split -> guess that does not listen -> metric, under the headline protocol; may be empty.
        ceilings: split -> guess that knows the truth or the class -> metric, likewise; `oracle-ranking`
            bounds scores under the median rule only, see `avprompt.metrics.floors.ceilings`.
        class_supervised: split -> what knows class names, neither floor nor ceiling -> metric, likewise: the
            class that the audio encoder's tagger hears, put into words.
        intervals: split -> protocol -> metric -> bounds, 95 % bootstrap over samples: of means over samples,
            and of the headline where it can be had.
        breakdowns: split -> `size`, `class` or `sources` -> group -> metric, under the headline protocol.
        audio_reliance: split -> altered sound -> headline metric, under the headline protocol and with what
            it chose for the true sound; `on_distractor` and `on_original` are that metric on either object.
        context_reliance: split -> altered context (`other`, `mean`, `blank`) -> sound (`true`, `shuffled`,
            `silent`) -> headline metric, likewise. Only of prompts that look at the image; empty in results
            of releases that measured none.
        published: what papers print for this very composition with these encoders on the whole split, each
            under its own protocol.
        notes: what a reader of the numbers must know.
        checksums: SHA-256 of the weight files that were read.
        plugin_files: SHA-256 of the plugin files and of the YAML beside them that they registered, by the
            place of the copy in the folder `plugins` of the run directory. Empty in results of releases
            that kept none.
        checkpoint_sha256: of the run's own checkpoint; None where no part is trained.
        headline: the protocol and metric that stand for the run.
        format: of the numbers, `FORMAT` where this release scored; 1 in results without it.
        seconds: wall time of training and evaluation.
        folder: the run directory; not in `results.json`.
    """

    model_config = ConfigDict(extra="forbid")

    method: str
    dataset: str
    encoders: str
    seed: int
    trainable_parameters: int
    versions: dict[str, str]
    training: Training | None = None
    samples: dict[str, Counts]
    drawn: Counts | None = None
    scores: dict[str, dict[str, Metrics]]
    floors: dict[str, dict[str, Metrics]]
    ceilings: dict[str, dict[str, Metrics]]
    audio_reliance: dict[str, dict[str, Metrics]]
    context_reliance: dict[str, dict[str, dict[str, Metrics]]] = Field(default_factory=dict)
    class_supervised: dict[str, dict[str, Metrics]] = Field(default_factory=dict)
    digests: dict[str, dict[str, str]] = Field(default_factory=dict)
    intervals: dict[str, dict[str, dict[str, tuple[float, float]]]] = Field(default_factory=dict)
    breakdowns: dict[str, dict[str, dict[str, Metrics]]] = Field(default_factory=dict)
    published: list[PublishedScores] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)
    checksums: dict[str, str] = Field(default_factory=dict)
    plugin_files: dict[str, str] = Field(default_factory=dict)
    checkpoint_sha256: str | None = None
    headline: tuple[str, str] = ("val-threshold", "cIoU")
    format: int = 1
    seconds: dict[str, float] = Field(default_factory=dict)
    folder: Path | None = Field(default=None, exclude=True)

    @field_validator("intervals", mode="before")
    @classmethod
    def _name_metric(cls, intervals: Any) -> Any:
        """Name the metric where an older release wrote bare bounds: it was always cIoU."""
        if not isinstance(intervals, dict):
            return intervals
        return {
            split: {
                name: {"cIoU": of} if isinstance(of, list | tuple) else of for name, of in protocols.items()
            }
            for split, protocols in intervals.items()
        }

    @model_validator(mode="after")
    def _leave_out_what_is_outdated(self) -> Self:
        """Leave out what must not be read beside the headline, and say so."""
        if self.outdated and any(getattr(self, name) for name in _BESIDE_SCORES):
            for name in _BESIDE_SCORES:
                setattr(self, name, {})
            self.notes = [*self.notes, OUTDATED]
        return self

    @property
    def outdated(self) -> bool:
        """Whether only the scores stand for the headline, and nothing beside them.

        Older releases measured audio reliance and the text-prompt ceiling under `val-threshold`, whatever the
        headline was, and counted samples that do not count under it in floors, intervals and `samples.csv`.
        """
        return self.format < 2 and self.headline[0] != "val-threshold"

    def is_whole(self, split: str, expected: Mapping[str, int]) -> bool:
        """Say whether every sample was scored that the official list of a split names.

        Args:
            split: of the benchmark.
            expected: how many samples the benchmark's official lists name, where that is known.
        """
        counts = self.samples.get(split)
        return counts is not None and counts.used == counts.expected == expected.get(split, counts.expected)


def write_results(result: RunResult, folder: Path) -> None:
    """Write `results.json`, numbers rounded to four decimals."""
    with replacing(RunDirectory(folder).results) as temporary:
        temporary.write_text(json.dumps(_rounded(result.model_dump()), indent=2) + "\n")


def read_results(folder: Path) -> RunResult:
    """Read the results of a finished run.

    Raises:
        DataError: not a finished run directory.
    """
    path = RunDirectory(folder).results
    try:
        return RunResult(**json.loads(read_text(path)), folder=folder)
    except FileNotFoundError as error:
        raise DataError(f"'{folder}' holds no finished run: there is no {path.name} in it.") from error
    except ValidationError as error:
        raise DataError(_damaged(path, explain(error, "it", RunResult))) from error
    except (DataError, ValueError, TypeError, RecursionError) as error:
        raise DataError(_damaged(path, error)) from error


def _damaged(path: Path, reason: object) -> str:
    return (
        f"'{path}' cannot be read as results of avprompt: {reason}\nIt is damaged, or of another version. "
        "Remove it to make it again (the run's command with --resume), or to use the checkpoint without it."
    )


def write_rows(path: Path, rows: Iterable[Mapping[str, object]], columns: list[str]) -> None:
    """Write a csv file with a header."""
    with replacing(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read a csv file with a header.

    Raises:
        DataError: the file is not there.
    """
    try:
        with path.open(newline="") as file:
            return list(csv.DictReader(file))
    except OSError as error:
        raise DataError(f"'{path}' cannot be read: {error}") from error


def write_skipped(path: Path, skipped: Mapping[str, Iterable[Missing]]) -> None:
    """Write the samples that could not be used, by split, with the reason; no file when there are none."""
    rows = [
        {"split": split, "id": missing.id, "reason": missing.reason}
        for split, every in skipped.items()
        for missing in every
    ]
    if rows:
        write_rows(path, rows, ["split", "id", "reason"])


def read_skipped(path: Path) -> dict[str, list[Missing]]:
    """Return what `write_skipped` wrote, by split."""
    skipped: dict[str, list[Missing]] = {}
    for row in read_rows(path) if path.is_file() else []:
        skipped.setdefault(row["split"], []).append(Missing(row["id"], row["reason"]))
    return skipped


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(inner) for inner in value]
    return value
