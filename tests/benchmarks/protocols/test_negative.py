from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from avprompt.errors import DataError
from avprompt.metrics.iou import TruthMasks
from avprompt.metrics.scored_maps import ScoredMaps
from avprompt_benchmarks.protocols.negative import (
    NegativeAudio,
    harmonic_mean,
    quiet_auc,
    universal_threshold,
)

TRUTH = np.zeros((4, 2, 2), dtype=np.float32)
TRUTH[:, 0] = 1


def measured(*, under: dict[str, float], true: float = 0.9) -> dict[str, np.ndarray]:
    """Maps that mark the object at level `true`, and everything at a level under each other sound."""
    protocol = NegativeAudio()
    test = protocol.measure(ScoredMaps((TRUTH * true).astype(np.float32), TruthMasks(TRUTH), np.zeros(4)))
    for condition, level in under.items():
        maps = np.full(TRUTH.shape, level, dtype=np.float32)
        altered = protocol.measure(ScoredMaps(maps, TruthMasks(TRUTH), np.zeros(4)))
        test |= {f"{condition}/{name}": values for name, values in altered.items()}
    return test


def scored(test: dict[str, np.ndarray], validation: dict[str, np.ndarray] | None = None) -> dict[str, Any]:
    return NegativeAudio().summarise(test, NegativeAudio().choose(test, validation))


def test_a_model_that_tells_sounds_apart_scores_full() -> None:
    scores = scored(measured(under={"silent": 0.1, "noise": 0.1, "off-screen": 0.1}))
    assert scores["threshold"] == pytest.approx(0.11), "rounded up, so that 0.1 in float32 stays below"
    assert scores["F_LOC"] == pytest.approx(100)
    assert scores["F_AUC"] == pytest.approx(100)
    assert scores["pIA"] == {"silent": 0, "noise": 0, "off-screen": 0}


def test_what_is_marked_for_a_false_sound_costs() -> None:
    test = measured(under={"silent": 0.1, "noise": 0.1, "off-screen": 0.1})
    validation = measured(under={"silent": 0.05})
    scores = scored(test, validation)
    assert scores["threshold"] == pytest.approx(0.06), "chosen on the validation split"
    assert scores["pIA"] == {"silent": 100, "noise": 100, "off-screen": 100}
    assert scores["F_LOC"] == 0
    assert scores["F_AUC"] == pytest.approx(2 * 100 * 2.5 / 102.5)


def test_conditions_that_were_not_measured_are_left_out() -> None:
    test = measured(under={"silent": 0.1})
    assert list(scored(test)["pIA"]) == ["silent"]
    assert NegativeAudio().sample_iou(test, NegativeAudio().choose(test, None)).tolist() == [1] * 4


def test_a_validation_split_without_altered_sound_gives_no_threshold() -> None:
    test = measured(under={"silent": 0.1})
    assert scored(test, measured(under={})) == scored(test)


def test_without_altered_sound_there_is_no_score() -> None:
    with pytest.raises(DataError, match="negative-audio needs maps under silence"):
        scored(measured(under={}))


def test_a_model_that_stays_quiet_scores_full() -> None:
    assert quiet_auc(np.zeros(5)) == 1, "pIA 0 stays under the threshold 0 too"


def test_quiet_auc_by_hand() -> None:
    assert quiet_auc(np.ones(3)) == pytest.approx(0.025), "only the last threshold is kept"
    assert quiet_auc(np.array([0.5])) == pytest.approx(0.525)
    assert quiet_auc(np.array([0.0, 1.0])) == pytest.approx((1 + 0.025) / 2)


def test_three_quarters_of_the_negatives_stay_below_the_universal_threshold() -> None:
    assert universal_threshold(np.arange(101) / 100) == 0.75


def test_harmonic_mean() -> None:
    assert harmonic_mean(50, 100) == pytest.approx(200 / 3)
    assert harmonic_mean(0, 0) == 0
    assert harmonic_mean(0, 100) == 0
