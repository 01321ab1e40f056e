"""What benchmarks there are: counts, licence, where to get them, layout."""

from __future__ import annotations

from pydantic import BaseModel

from avprompt.data.benchmark import BenchmarkAdapter
from avprompt.registry import Registry


class Described(BaseModel):
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


def describe(registry: Registry, name: str) -> Described:
    """Describe a registered benchmark.

    Raises:
        AvpromptError: there is none of that name, or it cannot be loaded.
    """
    benchmark: type[BenchmarkAdapter] = registry.load("datasets", name)
    return Described(
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


def _splits(benchmark: type[BenchmarkAdapter]) -> dict[str, int | None]:
    if benchmark.needs_root:
        return {split: benchmark.expected.get(split) for split in benchmark.test_splits}
    adapter = benchmark()
    return {split: adapter.split(split).expected for split in benchmark.test_splits}
