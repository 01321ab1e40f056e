"""The noise of the hard masks."""

from __future__ import annotations

import pytest
import torch

from avprompt.training.objective import RowNoise
from tinyworld.bench import Bench


class TestNoise:
    def test_is_the_same_however_rows_are_spread(self) -> None:
        whole = RowNoise(seed=1, batch=2)(torch.zeros(5, 5, 3, 3))
        rest = RowNoise(seed=1, batch=2, start=3)(torch.zeros(2, 5, 3, 3))
        assert torch.equal(whole[3:], rest)

    def test_differs_by_seed_batch_and_row(self) -> None:
        shape = torch.zeros(1, 5, 3, 3)
        drawn = [RowNoise(*key)(shape) for key in ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))]
        assert all(not torch.equal(drawn[0], other) for other in drawn[1:])

    def test_is_uniform(self) -> None:
        noise = RowNoise(seed=0, batch=0)(torch.zeros(4, 4, 32, 32))
        assert 0 <= noise.min() < 1e-3
        assert 1 - 1e-3 < noise.max() <= 1
        assert float(noise.mean()) == pytest.approx(0.5, abs=0.01)

    def test_reaches_the_masks_of_every_step(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        drawn = []
        draw = RowNoise.__call__

        def keep(noise: RowNoise, logits: torch.Tensor) -> torch.Tensor:
            drawn.append((noise, draw(noise, logits)))
            return drawn[-1][1]

        monkeypatch.setattr(RowNoise, "__call__", keep)
        bench.trainer("souple", "training.steps=3", seed=7).run()
        assert [noise for noise, _ in drawn] == [RowNoise(7, batch) for batch in range(3)]
        assert not torch.equal(drawn[0][1], drawn[1][1])
