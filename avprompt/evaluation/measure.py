"""Measuring predictions against truths, batch by batch; `joining` makes one whole of the batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from avprompt.evaluation.truths import Packed, Truths
from avprompt.metrics.iou import TruthMasks
from avprompt.metrics.protocol import Protocol, measure_all
from avprompt.metrics.scored_maps import ScoredMaps
from avprompt.metrics.val_threshold import ValThreshold
from avprompt.pictures.gallery import GalleryClip
from avprompt.records import Missing, Sample

PROBE = ValThreshold()

Values = dict[tuple[str, str], dict[str, np.ndarray]]
"""(condition, protocol) -> measurement -> one row for each sample."""


@dataclass(frozen=True)
class Maps:
    """Predictions as arrays: `heatmap` (B, H, W) float32 in 0..1, `confidence` (B,)."""

    heatmap: np.ndarray
    confidence: np.ndarray


@dataclass(frozen=True)
class Block:
    """What was measured on one batch of B samples; no map is kept.

    Attributes:
        places: of the samples in their split, rising.
        ids: of the samples.
        labels: of the samples.
        truths: of the samples, packed.
        columns: what protocols may need to know of a sample, each (B,).
        confidence: (B,) under the true sound.
        distractors: which of the B samples have rows under the distractor's sound.
        values: measurements, B rows each, or one for each of `distractors`.
    """

    places: list[int]
    ids: list[str]
    labels: list[str]
    truths: list[Packed]
    columns: dict[str, np.ndarray]
    confidence: np.ndarray
    distractors: list[int]
    values: Values


@dataclass
class Part:
    """What one process found of a split: measured batches; missing samples and pictures by their place."""

    blocks: list[Block] = field(default_factory=list)
    missing: dict[int, Missing] = field(default_factory=dict)
    shown: dict[int, GalleryClip] = field(default_factory=dict)


@dataclass
class Measured:
    """Everything measured on one split.

    Attributes:
        ids: of the samples that were scored, in order.
        labels: of the same samples.
        truths: of the same samples.
        values: (condition, protocol) -> measurement -> (N, ...). Conditions are `true`, the altered sounds
            of `avprompt.evaluation.sounds`, `distractor/on-distractor` and `text-prompt`.
        distractor_rows: which of the N samples have a distractor, and so rows under its sound.
        confidence: (N,) under the true sound.
        missing: what could not be used.
        expected: what the official list names.
        shown: clips for the gallery.
    """

    ids: list[str]
    labels: list[str]
    truths: Truths
    values: Values
    distractor_rows: list[int]
    confidence: np.ndarray
    missing: tuple[Missing, ...] = ()
    expected: int = 0
    shown: list[GalleryClip] = field(default_factory=list)


class Measurer:
    """Measures batches into blocks."""

    def __init__(self, protocols: Sequence[Protocol]) -> None:
        self.protocols = protocols

    def measure(self, places: list[int], samples: Sequence[Sample], found: Mapping[str, Maps]) -> Block:
        """Measure a batch.

        Args:
            places: of the samples in their split.
            samples: B samples with truths.
            found: predictions by condition, B each; under `distractor` only for samples that have one.
        """
        truths = TruthMasks(np.stack([_truth(sample) for sample in samples]))
        values: Values = {}
        for condition, maps in found.items():
            if condition != "distractor":
                values |= self._under(condition, maps, truths)
        distractors = [k for k, sample in enumerate(samples) if sample.distractor is not None]
        if "distractor" in found:
            values |= self._under_distractor(found["distractor"], samples, truths.values[distractors])
        return Block(
            places,
            [sample.id for sample in samples],
            [sample.label for sample in samples],
            [Packed.of(sample.truth) for sample in samples if sample.truth is not None],
            _columns(samples),
            found["true"].confidence,
            distractors if "distractor" in found else [],
            values,
        )

    def _under_distractor(self, maps: Maps, samples: Sequence[Sample], truths: np.ndarray) -> Values:
        """Score a silent object's own sound against that object, and against the one that sounded."""
        masks = [sample.distractor.mask for sample in samples if sample.distractor is not None]
        on_distractor = TruthMasks(np.stack(masks).astype(np.float32))
        return self._under("distractor/on-original", maps, TruthMasks(truths)) | self._under(
            "distractor/on-distractor", maps, on_distractor
        )

    def _under(self, condition: str, maps: Maps, truths: TruthMasks) -> Values:
        """Measure by all protocols under the true sound, by who asks under others; by the probe always."""
        asking = [one for one in self.protocols if condition == "true" or condition in one.conditions]
        if PROBE.name not in {one.name for one in asking}:
            asking.insert(0, PROBE)  # audio reliance needs it, whatever the benchmark is scored by
        found = measure_all(asking, ScoredMaps(maps.heatmap, truths, maps.confidence))
        return {(condition, protocol): row for protocol, row in found.items()}


def _truth(sample: Sample) -> np.ndarray:
    assert sample.truth is not None
    return sample.truth.mask.astype(np.float32)


def _columns(samples: Sequence[Sample]) -> dict[str, np.ndarray]:
    """Return what protocols may need to know of samples, beside what they measured."""
    return {
        "id": np.array([sample.id for sample in samples]),
        "group": np.array([sample.group or sample.id for sample in samples]),
        "scenario": np.array([sample.scenario for sample in samples]),
        "sounding": np.array([sample.sounding for sample in samples]),
    }
