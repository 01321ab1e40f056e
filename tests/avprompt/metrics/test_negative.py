from __future__ import annotations

import numpy as np
import pytest

from avprompt.metrics.negative import harmonic_mean, quiet_auc, universal_threshold


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
