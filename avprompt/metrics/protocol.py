"""What a protocol is: a named way to score, so that two numbers of one name can be compared.

The name stands for the threshold rule, the comparison, the interpolation and the aggregation. A
protocol measures batches as they come, keeping a few numbers for each sample, and summarises them
at the end; no heatmap is kept. Maps arrive at the size of the truth: how a method brings them there
is its own business, and a protocol whose official code resizes says so in its docstring.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from avprompt.metrics.scored_maps import ScoredMaps

Measurements = Mapping[str, np.ndarray]
"""Numbers for each sample by name, first axis B or N; what `measure` returns, or many joined."""


class Protocol(ABC):
    """A named way to score: threshold rule, comparison, interpolation, aggregation.

    Attributes:
        name: what users and results call it.
        summary: one line that states the rule.
        headline: the score of `summarise` that stands for the whole.
        needs: columns that the evaluator adds to the measurements, beside `id`.
        conditions: altered sounds whose measurements the evaluator adds as `condition/key`.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    headline: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ()
    conditions: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def measure(self, maps: ScoredMaps) -> dict[str, np.ndarray]:
        """Measure a batch of B samples.

        Returns:
            Numbers for each sample by name, first axis B.
        """

    @abstractmethod
    def summarise(self, test: Measurements, validation: Measurements | None) -> dict[str, Any]:
        """Turn the measurements of whole splits into scores in percent, ready for JSON.

        Args:
            test: all batches joined, with the sample ids (N,) under `id`.
            validation: of the split where choices may be made; None where there is none.
        """

    @abstractmethod
    def sample_iou(self, test: Measurements, validation: Measurements | None) -> np.ndarray:
        """Return the IoU (N,) of every test sample as this protocol sees it, in 0..1."""


def measure_all(protocols: Iterable[Protocol], maps: ScoredMaps) -> dict[str, dict[str, np.ndarray]]:
    """Measure a batch by every protocol; what several ask of the maps is worked out once.

    Returns:
        What `Protocol.measure` returns, by the protocol's name; protocols may share arrays.
    """
    return {protocol.name: protocol.measure(maps) for protocol in protocols}
