"""Measuring predictions against truths batch by batch, and joining batches into a split."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from avprompt.distributed import merged
from avprompt.errors import EvaluationError
from avprompt.evaluation.finite import check_predictions
from avprompt.evaluation.truths import CompressedTruths, digests
from avprompt.metrics.iou import TruthMasks
from avprompt.metrics.protocol import Measurements, Protocol, measure_all
from avprompt.metrics.scored_maps import ScoredMaps
from avprompt.pictures.gallery import GalleryClip
from avprompt.records import Missing, Prediction, Sample

ON_DISTRACTOR, ON_ORIGINAL = "distractor/on-distractor", "distractor/on-original"
"""Conditions that only samples with a distractor have: its sound, scored against either object."""

COLUMNS = ("id", "label", "group", "scenario", "sounding")
"""What is known of every sample; other names that protocols need are keys of `Sample.extra`."""

Values = dict[tuple[str, str], dict[str, np.ndarray]]
"""(condition, protocol) -> measurement -> one row for each sample."""


@dataclass(frozen=True)
class MeasuredSamples:
    """What was measured on N samples: of a batch, of a rank's share or of a whole split. No map is kept.

    Attributes:
        places: (N,) of the samples in their split, rising.
        columns: what protocols and tables need to know of a sample: `id`, `label`, `group`, `scenario`,
            `sounding` and what protocols need of `Sample.extra`, each (N,) or (N, ...).
        truths: of the samples.
        confidence: (N,) under the true sound.
        values: (condition, protocol) -> measurement -> (N, ...). Conditions are `true`, the altered sounds
            of `avprompt.evaluation.sounds`, the altered contexts of `avprompt.evaluation.contexts`,
            `text-prompt` and `tagger`; under `ON_DISTRACTOR` and
            `ON_ORIGINAL` there are M rows.
        distractor_places: (M,) of the samples that have a distractor.
        missing: samples that could not be used, by place.
        shown: clips for the gallery, by place.
    """

    places: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=int))
    columns: dict[str, np.ndarray] = field(default_factory=dict)
    truths: CompressedTruths = field(default_factory=CompressedTruths)
    confidence: np.ndarray = field(default_factory=lambda: np.zeros(0))
    values: Values = field(default_factory=dict)
    distractor_places: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=int))
    missing: dict[int, Missing] = field(default_factory=dict)
    shown: dict[int, GalleryClip] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.places)

    @property
    def ids(self) -> list[str]:
        """The ids of the samples."""
        return [str(name) for name in self.columns.get("id", ())]

    @property
    def labels(self) -> list[str]:
        """The class names of the samples."""
        return [str(label) for label in self.columns.get("label", ())]

    @cached_property
    def digests(self) -> dict[str, str]:
        """What tells these samples and their truths from others, `ids` and `truths`."""
        return digests(self.ids, self.truths)

    @property
    def distractor_rows(self) -> list[int]:
        """Which of the N samples have a distractor."""
        rows: list[int] = np.searchsorted(self.places, self.distractor_places).tolist()
        return rows

    def measurements(self, protocol: Protocol, condition: str = "true") -> Measurements:
        """Return what a protocol summarises: what it measured under a condition, and the columns.

        What it asked of altered sounds stands there as `condition/measurement`. Under `ON_DISTRACTOR` and
        `ON_ORIGINAL` it is all of the M samples that have a distractor.
        """
        altered = {
            f"{other}/{name}": rows
            for other in protocol.conditions
            for name, rows in self.values.get((other, protocol.name), {}).items()
        }
        columns = self.columns | altered
        if condition in (ON_DISTRACTOR, ON_ORIGINAL):
            columns = {name: column[self.distractor_rows] for name, column in columns.items()}
        return self.values[condition, protocol.name] | columns


def measure_batch(
    places: Sequence[int],
    samples: Sequence[Sample],
    predictions: Mapping[str, Prediction],
    protocols: Sequence[Protocol],
) -> MeasuredSamples:
    """Measure a batch.

    Args:
        places: of the samples in their split.
        samples: B samples with truths.
        predictions: on the CPU, by condition, B each; under `distractor` only for samples that have one.
        protocols: what to measure under the true sound; the first, the headline, under all others too.

    Raises:
        EvaluationError: a heatmap or confidence is not finite, or a sample lacks what a protocol needs of it;
            names the sample.
    """
    check_predictions(predictions, samples)
    truths = [sample.truth for sample in samples if sample.truth is not None]
    masks = TruthMasks(_stack([truth.mask for truth in truths]), [truth.parts for truth in truths])
    values: Values = {}
    for condition, prediction in predictions.items():
        if condition != "distractor":
            values |= _measure(condition, prediction, masks, protocols)
    silent: dict[int, np.ndarray] = {}
    if "distractor" in predictions:
        pairs = enumerate(sample.distractor for sample in samples)
        silent = {k: distractor.mask for k, distractor in pairs if distractor is not None}
        sounding = TruthMasks(masks.values[[*silent]], [masks.parts[k] for k in silent])
        distracting = TruthMasks(_stack([*silent.values()]))
        values |= _measure(ON_ORIGINAL, predictions["distractor"], sounding, protocols)
        values |= _measure(ON_DISTRACTOR, predictions["distractor"], distracting, protocols)
    return MeasuredSamples(
        places=np.array(places),
        columns=_columns(samples, protocols),
        truths=CompressedTruths.of(truths),
        confidence=predictions["true"].confidence.numpy(),
        values=values,
        distractor_places=np.array(places)[[*silent]],
    )


def join(shares: Iterable[MeasuredSamples]) -> MeasuredSamples:
    """Put the samples of batches, or of ranks' shares, into the order of their split.

    A condition that was not possible for every share is left out.
    """
    shares = list(shares)
    missing, shown = merged([share.missing for share in shares]), merged([share.shown for share in shares])
    measured = [share for share in shares if len(share)]
    if not measured:
        return MeasuredSamples(missing=missing, shown=shown)
    places = np.concatenate([share.places for share in measured])
    distractor_places = np.concatenate([share.distractor_places for share in measured])
    order, distractor_order = np.argsort(places), np.argsort(distractor_places)
    truths = [truth for share in measured for truth in share.truths.compressed]
    values: Values = {}
    for key in dict.fromkeys(key for share in measured for key in share.values):
        tables = [share.values[key] for share in measured if key in share.values]
        if key[0] in (ON_DISTRACTOR, ON_ORIGINAL):
            values[key] = _join(tables, distractor_order)
        elif len(tables) == len(measured):
            values[key] = _join(tables, order)
    return MeasuredSamples(
        places=places[order],
        columns=_join([share.columns for share in measured], order),
        truths=CompressedTruths(tuple(truths[k] for k in order)),
        confidence=np.concatenate([share.confidence for share in measured])[order],
        values=values,
        distractor_places=distractor_places[distractor_order],
        missing=missing,
        shown=shown,
    )


def _measure(
    condition: str, prediction: Prediction, truths: TruthMasks, protocols: Sequence[Protocol]
) -> Values:
    """Measure by all protocols under the true sound; by the headline and those that ask under others."""
    headline, *others = protocols
    asking = [headline]  # audio reliance and ceilings go by it
    asking += [other for other in others if condition == "true" or condition in other.conditions]
    maps = ScoredMaps(prediction.heatmap.numpy(), truths, prediction.confidence.numpy())
    return {(condition, name): rows for name, rows in measure_all(asking, maps).items()}


def _stack(masks: Sequence[np.ndarray]) -> np.ndarray:
    return np.stack(masks).astype(np.float32)


def check_needs(protocols: Sequence[Protocol], samples: Iterable[Sample], benchmark: str = "") -> None:
    """Make sure that samples know what protocols need of them.

    Args:
        protocols: what is to be measured.
        samples: of a benchmark.
        benchmark: its name, for the message.

    Raises:
        EvaluationError: one lacks it.
    """
    of_benchmark = f" of the benchmark '{benchmark}'" if benchmark else ""
    for sample in samples:
        for protocol in protocols:
            lacking = [name for name in _extra_needs(protocol) if name not in sample.extra]
            if lacking:
                raise EvaluationError(
                    f"The protocol '{protocol.name}' needs '{lacking[0]}' of every sample, and '{sample.id}'"
                    f"{of_benchmark} has no such entry in Sample.extra. Choose another protocol, or have the "
                    "benchmark fill it."
                )


def _extra_needs(protocol: Protocol) -> list[str]:
    """Return what a protocol needs of `Sample.extra`."""
    return [name for name in protocol.needs if name not in COLUMNS]


def _columns(samples: Sequence[Sample], protocols: Sequence[Protocol]) -> dict[str, np.ndarray]:
    check_needs(protocols, samples)
    extra = dict.fromkeys(name for protocol in protocols for name in _extra_needs(protocol))
    return {name: np.array([sample.extra[name] for sample in samples]) for name in extra} | {
        "id": np.array([sample.id for sample in samples]),
        "label": np.array([sample.label for sample in samples]),
        "group": np.array([sample.group or sample.id for sample in samples]),
        "scenario": np.array([sample.scenario for sample in samples]),
        "sounding": np.array([sample.sounding for sample in samples]),
    }


def _join(tables: Sequence[Mapping[str, np.ndarray]], order: np.ndarray) -> dict[str, np.ndarray]:
    return {name: np.concatenate([table[name] for table in tables])[order] for name in tables[0]}
