"""What is known of benchmarks before any media is there: layout and licence, floors and ceilings."""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel

from avprompt.data.benchmark import Annotation, BenchmarkAdapter, LazySequence
from avprompt.errors import DataError
from avprompt.metrics.floors import Scores
from avprompt.metrics.protocol import Protocol
from avprompt.metrics.val_threshold import ValThreshold
from avprompt.records import GroundTruth
from avprompt.registry import Registry


class Description(BaseModel):
    """A benchmark as its adapter describes it.

    Attributes:
        splits: the scored ones, with the number of samples of the official list where it is known.
        source: where to get it, and the layout of the data root.
    """

    name: str
    title: str
    splits: dict[str, int | None]
    licence: str
    citation: str
    source: str
    ground_truth: str
    coordinates: str
    broken_boxes: str
    protocols: tuple[str, ...]


class Bounds(BaseModel):
    """What can be scored on a split without a model, in percent.

    Attributes:
        protocol: under which they are scored.
        samples: annotated in the data root.
        official: samples of the official list, where it is known.
        floors: scores of guesses that never listen, by name.
        ceilings: scores of a perfect ranking of the pixels, by name.
    """

    protocol: str
    samples: int
    official: int | None
    floors: dict[str, Scores]
    ceilings: dict[str, Scores]


def describe(registry: Registry, name: str) -> Description:
    """Describe a registered benchmark.

    Raises:
        AvpromptError: there is none of that name, or it cannot be loaded.
    """
    benchmark: type[BenchmarkAdapter] = registry.load("datasets", name)
    return Description(
        name=name,
        title=benchmark.title,
        splits=_splits(benchmark),
        licence=benchmark.licence,
        citation=benchmark.citation,
        source=benchmark.source,
        ground_truth=benchmark.ground_truth,
        coordinates=benchmark.coordinates,
        broken_boxes=benchmark.broken_boxes,
        protocols=benchmark.protocols,
    )


def headline(registry: Registry, adapter: BenchmarkAdapter) -> Protocol:
    """Return a benchmark's headline protocol, or `val-threshold` where that needs more than annotations."""
    protocol: Protocol = registry.load("protocols", adapter.protocols[0])()
    return ValThreshold() if protocol.needs else protocol


def bounds(adapter: BenchmarkAdapter, split: str, protocol: Protocol) -> Bounds:
    """Return the floors and ceilings of a test split under a protocol, over all that is annotated.

    Raises:
        DataError: no such split, or nothing of it is annotated.
    """
    annotations = adapter.annotations(split)
    truths = LazySequence(annotations, _truth)
    if not truths:
        raise DataError(f"{adapter.title} has no annotated sample in '{split}'.")
    columns = {"id": np.array([annotation.id for annotation in annotations])}
    return Bounds(
        protocol=protocol.name,
        samples=len(truths),
        official=adapter.expected.get(split),
        floors=protocol.floors(truths, columns),
        ceilings=protocol.ceilings(truths, columns),
    )


def _splits(benchmark: type[BenchmarkAdapter]) -> dict[str, int | None]:
    if benchmark.needs_root:
        return {split: benchmark.expected.get(split) for split in benchmark.test_splits}
    adapter = benchmark()
    return {split: adapter.split(split).expected for split in benchmark.test_splits}


def _truth(annotation: Annotation) -> GroundTruth:
    return annotation.truth
