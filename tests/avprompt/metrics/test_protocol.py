from __future__ import annotations

import numpy as np
import pytest

from avprompt.metrics import scored_maps
from avprompt.metrics.iou import TruthMasks
from avprompt.metrics.protocol import measure_all
from avprompt.metrics.scored_maps import ScoredMaps
from avprompt.metrics.val_threshold import ValThreshold
from avprompt_benchmarks.protocols.localisation import AclSweep, EzvslMedian


def test_protocols_that_measure_alike_measure_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def counted(*arguments: object) -> np.ndarray:
        calls.append(arguments)
        return np.zeros((3, 19))

    monkeypatch.setattr(scored_maps, "iou_at", counted)
    maps = ScoredMaps(np.ones((3, 8, 8), dtype=np.float32), TruthMasks(np.ones((3, 8, 8))), np.zeros(3))
    tables = measure_all([ValThreshold(), AclSweep(), EzvslMedian()], maps)
    assert list(tables) == ["val-threshold", "acl-sweep", "ezvsl-median"]
    assert len(calls) == 1
    tables["val-threshold"]["id"] = np.zeros(3)
    assert "id" not in tables["acl-sweep"], "the tables are apart, only arrays are shared"
