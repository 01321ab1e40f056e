"""Assessment: the measured splits of a run become its result, its tables and its gallery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from avprompt.evaluation.measure import Measured
from avprompt.evaluation.score import sample_rows, score
from avprompt.metrics.protocol import Protocol
from avprompt.pictures.gallery import GalleryClip, save_clips, write_gallery
from avprompt.records import Missing
from avprompt.runs.directory import RunDirectory
from avprompt.runs.results import Counts, RunResult, write_rows, write_skipped


@dataclass
class Assessment:
    """Collects splits one by one.

    Attributes:
        result: filled by `add`.
        protocols: what to score by, the headline first.
        by: what to break the headline down by.
        skipped: what could not be used, by split.
        validation: measurements of the split where thresholds are chosen.
    """

    result: RunResult
    protocols: Sequence[Protocol]
    by: Sequence[str] = ()
    skipped: dict[str, list[Missing]] = field(default_factory=dict)
    validation: Measured | None = None
    _rows: list[dict[str, object]] = field(default_factory=list)
    _shown: list[GalleryClip] = field(default_factory=list)

    def add(self, name: str, measured: Measured) -> None:
        """Score a split into the result."""
        scores, result = score(measured, self.validation, self.protocols, self.by), self.result
        result.samples[name] = Counts(used=len(measured.ids), expected=measured.expected)
        result.scores[name] = scores.scores
        result.floors[name] = scores.floors
        result.ceilings[name] = scores.ceilings
        result.audio_reliance[name] = scores.audio_reliance
        result.intervals[name] = scores.intervals
        if scores.breakdowns:
            result.breakdowns[name] = scores.breakdowns
        self.skipped[name] = list(measured.missing)
        self._rows += sample_rows(name, measured, self.validation, self.protocols)
        self._shown = self._shown or measured.shown  # the first split is the headline

    def write(self, folder: Path) -> None:
        """Write `samples.csv`, `skipped.csv` where there is need, and the gallery."""
        columns = ["split", "id", *(protocol.name for protocol in self.protocols), "confidence"]
        directory = RunDirectory(folder)
        write_rows(directory.samples, self._rows, columns)
        write_skipped(directory.skipped, self.skipped)
        if self._shown:
            result = self.result
            title = f"{result.method} on {result.dataset} ({result.encoders} encoders)"
            save_clips(folder, self._shown)
            write_gallery(directory.gallery, self._shown, title, threshold(result, next(iter(result.scores))))


def threshold(result: RunResult, split: str) -> float:
    """Return the threshold that makes masks for pictures: the one chosen for the headline, or 0.5."""
    chosen = result.scores[split].get(result.headline[0], {}).get("threshold", 0.5)
    return float(chosen if isinstance(chosen, int | float) else chosen[0])
