"""One protocol on one split: its choice, its scores under every sound, and how sure they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from avprompt.errors import PluginError
from avprompt.evaluation.measure import MeasuredSamples
from avprompt.metrics.protocol import IoUProtocol, Measurements, Protocol
from avprompt.metrics.statistics import Interval, bootstrap, bootstrap_score, counted


@dataclass(frozen=True)
class ScoredProtocol:
    """A protocol on a split, with what it chose on the true sound."""

    protocol: Protocol
    test: MeasuredSamples
    choice: Any

    @staticmethod
    def of(
        protocol: Protocol,
        test: MeasuredSamples,
        validation: MeasuredSamples | None,
        condition: str = "true",
    ) -> ScoredProtocol:
        """Let a protocol choose, on the validation split if that was measured under the condition."""
        held_out = None
        if validation is not None and (condition, protocol.name) in validation.values:
            held_out = validation.measurements(protocol, condition)
        choice = protocol.choose(test.measurements(protocol, condition), held_out)
        return ScoredProtocol(protocol, test, choice)

    def scores(self, condition: str = "true") -> dict[str, Any]:
        """Return the scores under a condition.

        Raises:
            PluginError: the headline is not among them, though samples count.
        """
        scores = self.protocol.summarise(self._measured(condition), self.choice)
        name = self.protocol.headline
        if name not in scores and name not in self.protocol.per_sample(
            self._measured(condition), self.choice
        ):
            raise PluginError(
                f"The protocol '{self.protocol.name}' gives no '{name}', its headline, only "
                f"{', '.join(scores) or 'nothing'}. Its per_sample or summarise must return it."
            )
        return scores

    def headline(self, condition: str = "true") -> float | None:
        """Return the headline under a condition; None where no sample counts."""
        return self.scores(condition).get(self.protocol.headline)

    def scores_of(self, rows: np.ndarray) -> dict[str, Any]:
        """Return the scores of the samples in some rows (n,), which may name one several times."""
        picked = {name: values[rows] for name, values in self._measured("true").items()}
        return self.protocol.summarise(picked, self.choice)

    def per_sample(self) -> dict[str, np.ndarray]:
        """Return the scores that are means over samples, (N,) each in 0..1, NaN where one does not count.

        Raises:
            PluginError: the means are not the scores of these names.
        """
        rows, scores = self.protocol.per_sample(self._measured("true"), self.choice), self.scores()
        for name, values in rows.items():
            shown = counted(values)
            mean = 100 * float(np.mean(shown)) if len(shown) else None
            if np.shape(values) != (len(self.test),) or not _agree(mean, scores.get(name)):
                raise PluginError(
                    f"The protocol '{self.protocol.name}' gives '{name}' as a mean over samples that is not "
                    f"its score: per_sample has {np.shape(values)} values for {len(self.test)} samples, "
                    f"{mean} percent in the mean, and summarise says {scores.get(name)}. A score that is no "
                    "mean over samples must not be in per_sample."
                )
        return rows

    def sample_iou(self) -> np.ndarray | None:
        """Return the IoU (N,) of every sample where the protocol has one."""
        if not isinstance(self.protocol, IoUProtocol):
            return None
        return self.protocol.sample_iou(self._measured("true"), self.choice)

    def intervals(self) -> dict[str, tuple[float, float]]:
        """Return 95 % bounds of the means over samples, and of the headline where it can be had."""
        rows = {name: counted(values) for name, values in self.per_sample().items()}
        intervals = {name: _percent(bootstrap(values)) for name, values in rows.items() if len(values)}
        name = self.protocol.headline
        if name not in rows and "group" not in self.protocol.needs:  # groups must not be drawn apart
            drawn = bootstrap_score(lambda picks: self.scores_of(picks).get(name, np.nan), len(self.test))
            intervals |= {} if drawn is None else {name: (drawn.low, drawn.high)}
        return intervals

    def _measured(self, condition: str) -> Measurements:
        return self.test.measurements(self.protocol, condition)


def _agree(mean: float | None, score: Any) -> bool:
    """Say whether a mean in percent is the score of its name, where both are there."""
    return mean is None or not isinstance(score, int | float) or bool(np.isclose(mean, score))


def _percent(interval: Interval) -> tuple[float, float]:
    return 100 * interval.low, 100 * interval.high
