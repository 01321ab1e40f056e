"""Rates, weight decay and clipping reach the parameters."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from avprompt.config.method_config import TrainingOptions
from avprompt.training.optimisation import make_optimizer, schedule, total_steps
from avprompt.weights.checkpoint import trained_state
from tinyworld.bench import Bench
from tinyworld.training import log, trained


class TestOptimizer:
    def test_has_a_group_for_every_part_with_its_own_settings(self, bench: Bench) -> None:
        method = bench.method("souple", "prompt.weight_decay=0.3", "projection.learning_rate_scale=2")
        groups = make_optimizer(method, TrainingOptions(weight_decay=0.01)).param_groups
        settings = {
            name: (group["scale"], group["weight_decay"], sum(p.numel() for p in group["params"]))
            for name, group in zip(method.trained_parts(), groups, strict=True)
        }
        sizes = {
            name: sum(p.numel() for p in part.parameters()) for name, part in method.trained_parts().items()
        }
        assert settings == {
            "projection": (2, 0.01, sizes["projection"]),
            "prompt": (1, 0.3, sizes["prompt"]),
            "decoder": (0.1, 0.01, sizes["decoder"]),
            "masker": (1, 0.01, 2),
        }

    def test_scales_reach_the_steps(self, bench: Bench) -> None:
        """Adam's first step is as long as its rate."""
        trainer = bench.trainer(
            "souple", "prompt.learning_rate_scale=0.01", "training.warmup_steps=0", "training.weight_decay=0",
            "training.steps=1",
        )  # fmt: skip
        before = trained_state(trainer.method)
        before = {name: value.clone() for name, value in before.items()}
        after = trained(trainer)

        def longest(part: str) -> float:
            return max(float((after[n] - before[n]).abs().max()) for n in after if n.startswith(part))

        assert longest("projection") == pytest.approx(1e-3, rel=1e-2)
        assert longest("decoder") == pytest.approx(1e-4, rel=1e-2)
        assert longest("prompt") == pytest.approx(1e-5, rel=1e-2)

    def test_weight_decay_shrinks_what_has_no_gradient(self, bench: Bench) -> None:
        trainer = bench.trainer("souple", "losses.area=null", "masker.weight_decay=5", "training.steps=3")
        bias = float(trainer.method.masker.b.detach())
        trainer.run()
        assert float(trainer.method.masker.b.detach()) < bias

    @pytest.mark.parametrize(("limit", "held"), [(1e-3, True), (0, False)])
    def test_long_gradients_are_clipped(self, bench: Bench, limit: float, held: bool) -> None:
        trainer = bench.trainer("souple", f"training.clip_norm={limit}", "training.steps=1")
        trainer.run()
        gradients = [p.grad for p in trainer.method.parameters() if p.grad is not None]
        length = torch.stack([gradient.norm() for gradient in gradients]).norm()
        assert (float(length) <= 1.01e-3) is held


class TestSchedule:
    def test_rises_then_falls_along_a_cosine(self) -> None:
        options = TrainingOptions(warmup_steps=4)
        rates = [schedule(options, step, 14) for step in range(14)]
        assert rates[:4] == pytest.approx([0.2, 0.4, 0.6, 0.8])
        assert rates[4] == 1
        assert rates[9] == pytest.approx(0.5)
        assert rates[13] == pytest.approx(0.5 * (1 + math.cos(0.9 * math.pi)))
        assert 0 < rates[13] < 0.05

    def test_or_stays(self) -> None:
        options = TrainingOptions(warmup_steps=2, schedule="constant")
        assert [schedule(options, step, 5) for step in range(5)] == pytest.approx([1 / 3, 2 / 3, 1, 1, 1])

    def test_of_fewer_steps_than_the_warm_up(self) -> None:
        options = TrainingOptions(warmup_steps=20)
        rates = [schedule(options, step, 3) for step in range(3)]
        assert rates == pytest.approx([1 / 3, 2 / 3, 1])
        assert schedule(options, 0, 1) == 1

    def test_reaches_the_optimizer(self, bench: Bench, tmp_path: Path) -> None:
        bench.trainer("souple", "training.learning_rate=0.1").run()
        rates = [line["learning_rate"] for line in log(tmp_path)]
        assert rates[:3] == pytest.approx([0.1 / 3, 0.2 / 3, 0.1])

    def test_counts_epochs_unless_told_the_steps(self) -> None:
        assert total_steps(TrainingOptions(epochs=3, batch_size=4), 14) == 12
        assert total_steps(TrainingOptions(epochs=3, batch_size=4, steps=5), 14) == 5
