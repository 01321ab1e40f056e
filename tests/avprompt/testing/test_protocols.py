"""The check of a protocol catches what would break a table; ours pass in tests/benchmarks/protocols."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from avprompt.metrics.protocol import IoUProtocol, Measurements, Protocol
from avprompt.metrics.scored_maps import ScoredMaps
from avprompt.records import GroundTruth
from avprompt.testing import check_protocol


class Hottest(Protocol):
    name, summary, headline = "hottest", "share of samples whose hottest pixel is inside", "hit"

    def measure(self, maps: ScoredMaps) -> dict[str, np.ndarray]:
        hottest = maps.heatmaps.reshape(len(maps.heatmaps), -1).argmax(1)
        inside = maps.truths.values.reshape(len(hottest), -1)
        return {"hit": inside[np.arange(len(hottest)), hottest]}

    def per_sample(self, test: Measurements, choice: None) -> dict[str, np.ndarray]:
        return {"hit": test["hit"]}


def test_good() -> None:
    check_protocol(Hottest())


def test_what_samples_hold_beside_is_given_to_the_check() -> None:
    check_protocol(Needy(), extra={"weather": np.array(["sun", "sun", "rain", "fog"])})


class Unnamed(Hottest):
    summary = ""


class Mixing(Hottest):
    def measure(self, maps: ScoredMaps) -> dict[str, np.ndarray]:
        return {"hit": np.full(len(maps.heatmaps), maps.heatmaps.mean())}


class Short(Hottest):
    def measure(self, maps: ScoredMaps) -> dict[str, np.ndarray]:
        return {"hit": np.zeros(1)}


class Silent(Hottest):
    def measure(self, maps: ScoredMaps) -> Any:
        return None


class Headless(Hottest):
    headline = "cIoU"


class Fraction(Hottest):
    def summarise(self, test: Measurements, choice: None) -> dict[str, Any]:
        return {"hit": 500.0}


class Arrays(Hottest):
    def summarise(self, test: Measurements, choice: None) -> dict[str, Any]:
        return {"hit": 1.0, "all": test["hit"]}


class Percents(IoUProtocol):
    name, summary = "percents", "IoU in percent"
    measure = Hottest.measure

    def sample_iou(self, test: Measurements, choice: None) -> np.ndarray:
        return 100 * np.ones_like(test["hit"])


class NoMean(Hottest):
    def summarise(self, test: Measurements, choice: None) -> dict[str, Any]:
        return {"hit": 100.0 * float(np.mean(test["hit"])) ** 2}


class Few(Hottest):
    def per_sample(self, test: Measurements, choice: None) -> dict[str, np.ndarray]:
        return {"hit": test["hit"][:2]}


class OtherFloor(Hottest):
    def floors(self, truths: Sequence[GroundTruth], columns: Measurements) -> dict[str, dict[str, float]]:
        return {"centre-disc": {"cIoU": 10.0}}


class Needy(Hottest):
    needs = ("weather",)


@pytest.mark.parametrize(
    ("protocol", "message"),
    [
        (Unnamed, "a protocol must state its summary"),
        (Mixing, "'hit' of a sample must not depend on the other samples"),
        (Short, "'hit' must have the first axis B = 4"),
        (Silent, "measure must return arrays by name, not NoneType"),
        (Headless, "summarise must return the headline 'cIoU' as a number, not None"),
        (Fraction, "the headline 'hit' is in percent, not 500.0"),
        (Arrays, "summarise must return what JSON holds"),
        (Percents, "sample_iou lies in 0..1"),
        (Needy, r"needs may name .*, or keys of Sample.extra: .* as extra=\{...\} for weather"),
        (NoMean, "the mean of 'hit' is .* percent, but summarise says"),
        (Few, r"per_sample: 'hit' must be \(N,\) = \(4,\)"),
        (OtherFloor, "floors: 'centre-disc' must hold the headline 'hit'"),
    ],
)
def test_a_broken_promise_is_named(protocol: type[Protocol], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_protocol(protocol())
