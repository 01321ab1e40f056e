"""Measuring predictions against truths, batch by batch; `scoring` makes scores of what is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from avprompt.metrics.protocol import Protocol, measure_all
from avprompt.metrics.protocols.fixed import ValThreshold
from avprompt.records import Missing, Sample, Split

PROBE = ValThreshold()


@dataclass(frozen=True)
class Maps:
    """Predictions as arrays: `heatmap` (B, H, W) float32 in 0..1, `confidence` (B,)."""

    heatmap: np.ndarray
    confidence: np.ndarray


@dataclass(frozen=True)
class Shown:
    """One clip for the gallery: `image` (H, W, 3) uint8, `truth` and `heatmap` (h, w), its id and label."""

    id: str
    label: str
    image: np.ndarray
    truth: np.ndarray
    heatmap: np.ndarray


@dataclass
class Measured:
    """Everything measured on one split.

    Attributes:
        ids: of the samples that were scored, in order.
        places: of the same samples in the split.
        values: (condition, protocol) -> measurement -> (N, ...). Conditions are `true`, the altered sounds
            of `avprompt.evaluation.listening`, `distractor/on-distractor` and `text-prompt`.
        distractor_rows: which of the N samples have a distractor, and so rows under its sound.
        confidence: (N,) under the true sound.
        missing: what could not be used.
        expected: what the official list names.
        shown: clips for the gallery.
    """

    ids: list[str] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    values: dict[tuple[str, str], dict[str, np.ndarray]] = field(default_factory=dict)
    distractor_rows: list[int] = field(default_factory=list)
    confidence: np.ndarray = field(default_factory=lambda: np.zeros(0))
    missing: tuple[Missing, ...] = ()
    expected: int = 0
    shown: list[Shown] = field(default_factory=list)


class Measurer:
    """Collects the measurements of one split."""

    def __init__(self, protocols: Sequence[Protocol]) -> None:
        self.protocols = protocols
        self.measured = Measured()
        self._rows: dict[tuple[str, str], list[dict[str, np.ndarray]]] = {}
        self._confidences: list[np.ndarray] = []
        self._columns: list[dict[str, object]] = []

    def add(self, places: Sequence[int], samples: Sequence[Sample], found: Mapping[str, Maps]) -> None:
        """Measure a batch.

        Args:
            places: of the samples in their split.
            samples: B samples with truths.
            found: predictions by condition, B each; under `distractor` only for samples that have one.
        """
        truths = np.stack([_truth(sample) for sample in samples])
        first = len(self.measured.ids)
        self.measured.places += places
        self.measured.ids += [sample.id for sample in samples]
        self._columns += [_column(sample) for sample in samples]
        self._confidences.append(found["true"].confidence)
        for condition, maps in found.items():
            if condition == "distractor":
                self._distractor(maps, samples, truths, first)
            else:
                self._keep(condition, maps, truths)

    def forget(self, condition: str) -> None:
        """Drop a condition that turned out not to be possible for every sample."""
        for key in [key for key in self._rows if key[0] == condition]:
            del self._rows[key]

    def finish(self, split: Split, missing: Sequence[Missing]) -> Measured:
        """Join all batches; `missing` is what could not be read, beside what the split says itself."""
        measured = self.measured
        columns = {key: np.array([column[key] for column in self._columns]) for key in self._columns[0]}
        for key, rows in self._rows.items():
            whole = key[0].startswith("distractor")  # these rows are of some samples only
            measured.values[key] = _join(rows) | ({} if whole else columns)
        for protocol in self.protocols:
            self._merge_conditions(protocol)
        measured.confidence = np.concatenate(self._confidences)
        measured.expected, measured.missing = split.expected, (*split.missing, *missing)
        return measured

    def _distractor(self, maps: Maps, samples: Sequence[Sample], truths: np.ndarray, first: int) -> None:
        """Score a silent object's own sound against that object, and against the one that sounded."""
        at = [k for k, sample in enumerate(samples) if sample.distractor is not None]
        masks = [sample.distractor.mask for sample in samples if sample.distractor is not None]
        self.measured.distractor_rows += [first + k for k in at]
        self._keep("distractor/on-original", maps, truths[at])
        self._keep("distractor/on-distractor", maps, np.stack(masks).astype(np.float32))

    def _keep(self, condition: str, maps: Maps, truths: np.ndarray) -> None:
        """Measure by all protocols under the true sound, by who asks under others; by the probe always."""
        asking = [one for one in self.protocols if condition == "true" or condition in one.conditions]
        if PROBE.name not in {one.name for one in asking}:
            asking.insert(0, PROBE)  # audio reliance needs it, whatever the benchmark is scored by
        for protocol, row in measure_all(asking, maps.heatmap, truths, maps.confidence).items():
            self._rows.setdefault((condition, protocol), []).append(row)

    def _merge_conditions(self, protocol: Protocol) -> None:
        """Hand a protocol its measurements under altered sounds as `condition/measurement`."""
        true = self.measured.values["true", protocol.name]
        for condition in protocol.conditions:
            for key, value in self.measured.values.get((condition, protocol.name), {}).items():
                true[f"{condition}/{key}"] = value


def _truth(sample: Sample) -> np.ndarray:
    assert sample.truth is not None
    return sample.truth.mask.astype(np.float32)


def _column(sample: Sample) -> dict[str, object]:
    """Return what protocols may need to know of a sample, beside what they measured."""
    group = sample.group or sample.id
    return {"id": sample.id, "group": group, "scenario": sample.scenario, "sounding": sample.sounding}


def _join(rows: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {key: np.concatenate([row[key] for row in rows]) for key in rows[0]}
