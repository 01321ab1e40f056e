"""What a protocol is: a named way to score, so that two numbers of one name can be compared.

The name stands for the threshold rule, the comparison, the interpolation and the aggregation. A
protocol measures batches as they come, keeping a few numbers for each sample, chooses what it may
choose, and scores them at the end; no heatmap is kept. Maps arrive at the size of the truth: how a
method brings them there is its own business, and a protocol whose official code resizes says so in its
docstring.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from avprompt.metrics import floors as guesses
from avprompt.metrics.floors import Scores
from avprompt.metrics.iou import localisation_scores
from avprompt.metrics.scored_maps import ScoredMaps
from avprompt.metrics.statistics import counted
from avprompt.records import GroundTruth

Measurements = Mapping[str, np.ndarray]
"""Numbers for each sample by name, first axis B or N; what `measure` returns, or many joined."""


class Protocol(ABC):
    """A named way to score: threshold rule, comparison, interpolation, aggregation.

    Scores that are means over samples take `measure` and `per_sample`. Others, such as an average precision,
    take `summarise` too. What is chosen, such as a threshold, is chosen once on the true sound and kept
    for altered sounds. The headline has the floors, the bootstrap interval, the audio reliance, the
    breakdowns and the paired interval of a comparison.

    Attributes:
        name: what users and results call it.
        summary: one line that states the rule.
        headline: the score that stands for the whole, one of `summarise`; higher is better.
        needs: what it must know of a sample, beside `id`: `label`, `group`, `scenario`, `sounding`, or keys
            of `Sample.extra`. They stand among the measurements under these names.
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

    def choose(self, test: Measurements, validation: Measurements | None) -> Any:
        """Return what must be chosen before anything is scored, such as a threshold; None for nothing.

        Args:
            test: all batches under the true sound joined, with the sample ids (N,) under `id`.
            validation: of the split where choices may be made; None where there is none.
        """
        del test, validation
        return None

    def per_sample(self, test: Measurements, choice: Any) -> dict[str, np.ndarray]:
        """Return the scores that are means over samples: numbers (N,) by name, 1 for 100 percent.

        NaN where a sample does not count. A score that is no mean over samples must not be among them: its
        interval is then found by scoring samples that are drawn anew.

        Args:
            test: measurements of N samples, under the true sound or an altered one.
            choice: what `choose` returned for the true sound.
        """
        del test, choice
        return {}

    def summarise(self, test: Measurements, choice: Any) -> dict[str, Any]:
        """Return the scores in percent, ready for JSON: the means of `per_sample` unless written.

        Args:
            test: as for `per_sample`.
            choice: as for `per_sample`.
        """
        rows = {name: counted(values) for name, values in self.per_sample(test, choice).items()}
        return {name: 100 * float(np.mean(values)) for name, values in rows.items() if len(values)}

    def floors(self, truths: Sequence[GroundTruth], columns: Measurements) -> dict[str, Scores]:
        """Return what guesses that never listen score, none unless written.

        Each guess, under a name of its own, has scores in percent by name, the headline among them:
        `{"whole-image": {"cIoU": 12.5}}`.

        Args:
            truths: of N samples, each read anew whenever it is asked for.
            columns: `id` (N,) and what the protocol needs of the same samples.
        """
        del truths, columns
        return {}

    def ceilings(self, truths: Sequence[GroundTruth], columns: Measurements) -> dict[str, Scores]:
        """Return what guesses that know the truth score in percent, as `floors`; none unless written.

        They bound the scores from above only where the protocol makes masks as they do.
        """
        del truths, columns
        return {}


class IoUProtocol(Protocol):
    """Base of protocols under which a sample has one IoU: cIoU, AUC and mean IoU, with their floors."""

    headline: ClassVar[str] = "cIoU"

    @abstractmethod
    def sample_iou(self, test: Measurements, choice: Any) -> np.ndarray:
        """Return the IoU (N,) of every sample in 0..1, NaN where one does not count."""

    def per_sample(self, test: Measurements, choice: Any) -> dict[str, np.ndarray]:
        """Return `cIoU`: whether the IoU is at least 0.5."""
        iou = self.sample_iou(test, choice)
        return {"cIoU": np.where(np.isnan(iou), np.nan, iou >= 0.5)}

    def summarise(self, test: Measurements, choice: Any) -> dict[str, Any]:
        """Return cIoU, AUC and mean IoU; nothing where no sample counts."""
        iou = counted(self.sample_iou(test, choice))
        return localisation_scores(iou) if len(iou) else {}

    def floors(self, truths: Sequence[GroundTruth], columns: Measurements) -> dict[str, Scores]:
        """Return cIoU and AUC of guesses: see `avprompt.metrics.floors`."""
        del columns
        return guesses.floors(truths)

    def ceilings(self, truths: Sequence[GroundTruth], columns: Measurements) -> dict[str, Scores]:
        """Return `oracle-ranking`: cIoU and AUC of a perfect ranking of the pixels under the median rule.

        That rule marks half of the pixels whatever the object's size. A protocol that marks as many
        as its threshold says is not bounded by it, and may score higher.
        """
        del columns
        return guesses.ceilings(truths)


def measure_all(protocols: Iterable[Protocol], maps: ScoredMaps) -> dict[str, dict[str, np.ndarray]]:
    """Measure a batch by every protocol; what several ask of the maps is worked out once.

    Returns:
        What `Protocol.measure` returns, by the protocol's name; protocols may share arrays.
    """
    return {protocol.name: protocol.measure(maps) for protocol in protocols}
