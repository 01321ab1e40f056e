"""Rates, weight decay and clipping reach the parameters."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from avprompt.config.options import Options
from avprompt.config.training_options import TrainingOptions
from avprompt.errors import PluginError
from avprompt.training.optimisation import parameter_groups, total_steps
from avprompt.training.parts import Optimizer, Schedule
from avprompt.training.state import StepReport
from avprompt.weights.checkpoint import trained_state
from tinyworld.bench import Bench
from tinyworld.training import log, same, trained


class TestOptimizer:
    def test_has_a_group_for_every_part_with_its_own_settings(self, bench: Bench) -> None:
        method = bench.method("souple-words", "prompt.weight_decay=0.3", "projection.learning_rate_scale=2")
        groups = parameter_groups(method, TrainingOptions(weight_decay=0.01, learning_rate=0.5))
        settings = {
            name: (
                group["scale"],
                group["lr"],
                group["weight_decay"],
                sum(p.numel() for p in group["params"]),
            )
            for name, group in zip(method.trained_parts(), groups, strict=True)
        }
        sizes = {
            name: sum(p.numel() for p in part.parameters()) for name, part in method.trained_parts().items()
        }
        assert settings == {
            "projection": (2, 1.0, 0.01, sizes["projection"]),
            "prompt": (1, 0.5, 0.3, sizes["prompt"]),
            "decoder": (0.1, 0.05, 0.01, sizes["decoder"]),
            "masker": (1, 0.5, 0.01, 2),
        }

    def test_scales_reach_the_steps(self, bench: Bench) -> None:
        """Adam's first step is as long as its rate."""
        trainer = bench.trainer(
            "souple-words", "prompt.learning_rate_scale=0.01", "training.warmup_steps=0",
            "training.weight_decay=0", "training.steps=1",
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
        trainer = bench.trainer(
            "souple-words", "losses.area=null", "masker.weight_decay=5", "training.steps=3"
        )
        bias = float(trainer.method.masker.b.detach())
        trainer.run()
        assert float(trainer.method.masker.b.detach()) < bias

    @pytest.mark.parametrize(("limit", "held"), [(1e-3, True), (0, False)])
    def test_long_gradients_are_clipped(self, bench: Bench, limit: float, held: bool) -> None:
        trainer = bench.trainer("souple-words", f"training.clip_norm={limit}", "training.steps=1")
        trainer.run()
        gradients = [p.grad for p in trainer.method.parameters() if p.grad is not None]
        length = torch.stack([gradient.norm() for gradient in gradients]).norm()
        assert (float(length) <= 1.01e-3) is held


class TestRate:
    """A linear rise, then what the schedule says of the steps that are left."""

    def rates(self, bench: Bench, folder: Path, steps: int, *overrides: str) -> list[float]:
        rate = ("training.learning_rate=0.1", f"training.steps={steps}")
        bench.trainer("souple-words", *rate, *overrides).run()
        return [line["learning_rate"] for line in log(folder)]

    def test_rises_then_falls_along_a_cosine(self, bench: Bench, tmp_path: Path) -> None:
        rates = self.rates(bench, tmp_path, 6, "training.warmup_steps=2")
        falling = [0.05 * (1 + math.cos(math.pi * step / 4)) for step in range(4)]
        assert rates == pytest.approx([0.1 / 3, 0.2 / 3, *falling])

    def test_or_stays(self, bench: Bench, tmp_path: Path) -> None:
        rates = self.rates(bench, tmp_path, 5, "training.warmup_steps=2", "training.schedule=constant")
        assert rates == pytest.approx([0.1 / 3, 0.2 / 3, 0.1, 0.1, 0.1])

    def test_of_fewer_steps_than_the_warm_up(self, bench: Bench, tmp_path: Path) -> None:
        rates = self.rates(bench, tmp_path, 3, "training.warmup_steps=20")
        assert rates == pytest.approx([0.1 / 3, 0.2 / 3, 0.1])

    def test_of_one_step(self, bench: Bench, tmp_path: Path) -> None:
        assert self.rates(bench, tmp_path, 1, "training.warmup_steps=20") == pytest.approx([0.1])

    @pytest.mark.parametrize("factor", [-0.1, math.nan, "1", None])
    def test_a_schedule_that_returns_no_factor_is_named(self, bench: Bench, factor: Any) -> None:
        class Broken(Schedule):
            def __call__(self, step: int, total: int) -> float:
                return factor

        trainer = replace(bench.trainer(), schedule=Broken(Options()))
        message = r"The schedule Broken in test_optimisation.py must return .* at step 0 of 4 it returned"
        with pytest.raises(PluginError, match=message):
            trainer.run()


class TestNamedOptimizer:
    @pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
    def test_trains(self, bench: Bench, name: str) -> None:
        trainer = bench.trainer("souple-words", f"training.optimizer={name}")
        before = {key: value.clone() for key, value in trained_state(trainer.method).items()}
        assert not same(trained(trainer), before)

    def test_options_reach_torch(self, bench: Bench) -> None:
        table = "training.optimizer={name: sgd, momentum: 0.5}"
        trainer = bench.trainer("souple-words", table)
        built = trainer.optimizer.build([{"params": [torch.zeros(1, requires_grad=True)], "lr": 0.1}])
        assert built.param_groups[0]["momentum"] == 0.5

    def test_decoupled_weight_decay_is_not_part_of_the_gradient(self, bench: Bench) -> None:
        """One step of rate r without a gradient: AdamW leaves x (1 - r d); Adam goes r, whatever d is."""
        after = {}
        for name in ("adam", "adamw"):
            optimizer = bench.trainer("souple-words", f"training.optimizer={name}").optimizer
            x = torch.tensor([2.0], requires_grad=True)
            built = optimizer.build([{"params": [x], "lr": 0.1, "weight_decay": 0.5, "scale": 1.0}])
            x.grad = torch.zeros(1)
            built.step()
            after[name] = float(x.detach())
        assert after == {"adam": pytest.approx(1.9), "adamw": pytest.approx(2 * (1 - 0.1 * 0.5))}

    def test_resumes_with_its_state(self, bench: Bench, tmp_path: Path) -> None:
        momentum = "training.optimizer=sgd"
        whole = trained(bench.trainer("souple-words", momentum, folder=tmp_path / "whole"))

        def stop(step: StepReport) -> None:
            if step.step == 2:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            bench.trainer("souple-words", momentum, folder=tmp_path / "halves", on_step=stop).run()
        rest = bench.trainer("souple-words", momentum, folder=tmp_path / "halves")
        assert same(trained(rest, resume=True), whole)

    def test_one_that_is_no_optimizer_is_named(self, bench: Bench) -> None:
        class Broken(Optimizer):
            def build(self, groups: Any) -> Any:
                return "adam"

        trainer = replace(bench.trainer(), optimizer=Broken(Options()))
        with pytest.raises(PluginError, match=r"Broken in .* must return a torch optimizer"):
            trainer.run()

    def test_one_of_other_groups_is_named(self, bench: Bench) -> None:
        class Flat(Optimizer):
            def build(self, groups: Any) -> torch.optim.Optimizer:
                return torch.optim.SGD([p for group in groups for p in group["params"]], lr=0.1)

        trainer = replace(bench.trainer(), optimizer=Flat(Options()))
        with pytest.raises(PluginError, match=r"an optimizer of the groups that it is given, as they are"):
            trainer.run()


class TestSteps:
    def test_counts_epochs_unless_told_the_steps(self) -> None:
        assert total_steps(TrainingOptions(epochs=3, batch_size=4), 14) == 12
        assert total_steps(TrainingOptions(epochs=3, batch_size=4, steps=5), 14) == 5
