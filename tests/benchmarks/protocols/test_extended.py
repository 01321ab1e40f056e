from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from avprompt.metrics.iou import TruthMasks
from avprompt.metrics.scored_maps import ScoredMaps
from avprompt.records import GroundTruth
from avprompt_benchmarks.protocols.extended import SlavcExtended


def test_extended_scores_equal_the_official_evaluator(golden_forty: SimpleNamespace) -> None:
    protocol = SlavcExtended()
    test = protocol.measure(
        ScoredMaps(golden_forty.heatmap, TruthMasks(golden_forty.gt_extended), golden_forty.confidence)
    )
    scores = protocol.summarise({**test, "sounding": golden_forty.non_sounding == 0}, None)
    for at, row in [("None", scores), *((str(float(k)), v) for k, v in scores["by_threshold"].items())]:
        official = golden_forty.expected["extended"][at]
        assert row["AP"] == pytest.approx(official["AP"], abs=1e-9)
        assert row["max_F1"] == pytest.approx(official["Max-F1"], abs=0.0501), "printed to one decimal"


def test_what_sounds_is_told_or_read_from_the_truth(golden_ten: SimpleNamespace) -> None:
    protocol = SlavcExtended()
    test = protocol.measure(
        ScoredMaps(golden_ten.heatmap, TruthMasks(golden_ten.gt_extended), golden_ten.confidence)
    )
    told = protocol.summarise({**test, "sounding": golden_ten.non_sounding == 0}, None)
    assert protocol.summarise(test, None) == told
    everything = protocol.summarise({**test, "sounding": np.ones(10, dtype=bool)}, None)
    assert everything["LocAcc"] <= told["LocAcc"]


def test_floors_are_in_the_metric_of_the_headline() -> None:
    """As `detection` says: AP is about LocAcc times the share that sounds, max-F1 2 a p / (1 + a p)."""
    truths = [GroundTruth(np.full((4, 4), k % 2, np.float32)) for k in range(2000)]
    columns = {"id": np.arange(2000), "sounding": np.arange(2000) % 2 == 1}
    floors = SlavcExtended().floors(truths, columns)
    assert floors["whole-image"]["LocAcc"] == 100
    assert floors["whole-image"]["AP"] == pytest.approx(50, abs=5)
    assert floors["whole-image"]["max_F1"] == pytest.approx(200 / 3, abs=3)


def test_only_the_share_of_found_samples_is_a_mean_over_samples() -> None:
    test = {
        "iou": np.array([0.6, 0.2, 0.0]),
        "sounding": np.array([True, True, False]),
        "visible": np.ones(3),
    }
    rows = SlavcExtended().per_sample(test, None)
    assert list(rows) == ["LocAcc"]
    np.testing.assert_array_equal(rows["LocAcc"], [1, 0, np.nan])
