"""The training loop: reproducible, resumable, and it stops rather than ruin a run."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open

from avprompt.config.training_options import TrainingOptions
from avprompt.distributed import Ranks, make_accelerator
from avprompt.errors import DataError, TrainingError
from avprompt.model.method import Method
from avprompt.training.state import StepReport
from avprompt.training.trainer import check_shares
from avprompt.weights.checkpoint import trained_state
from tinyworld.bench import Bench
from tinyworld.training import State, log, same, trained

LOSSES = ("losses.area", "losses.image-contrastive", "losses.feature-contrastive")


class TestSeed:
    @pytest.mark.parametrize(
        "method", ["souple", "souple-cross", "souple-attention", "acl-ssl", "coop", "cocoop"]
    )
    def test_decides_everything(self, bench: Bench, method: str) -> None:
        assert same(trained(bench.trainer(method)), trained(bench.trainer(method)))

    def test_other_seeds_differ(self, bench: Bench) -> None:
        assert not same(trained(bench.trainer()), trained(bench.trainer(seed=1)))

    def test_what_was_drawn_before_does_not_matter(self, bench: Bench) -> None:
        first = trained(bench.trainer())
        trainer = bench.trainer()
        torch.randn(100)
        assert same(first, trained(trainer))


class TestGuard:
    @pytest.mark.parametrize("what", ["loss", "gradient"])
    def test_stops_before_a_nan_and_keeps_the_batch(self, bench: Bench, tmp_path: Path, what: str) -> None:
        trainer = bench.trainer()
        terms, calls = trainer.method.loss_terms, []

        def poisoned(grounding: Any) -> State:
            losses = terms(grounding)
            calls.append(trained_state(trainer.method))
            if len(calls) == 3:
                # The root of nought has a value but no slope.
                losses["total"] = losses["total"] * (math.nan if what == "loss" else 1)
                losses["total"] = losses["total"] + (0 * trainer.method.masker.w.sum()).sqrt()
            return losses

        trainer.method.loss_terms = poisoned
        with pytest.raises(
            TrainingError, match=r"stopped at step 2: a loss or gradient is not a number"
        ) as e:
            trainer.run()
        assert "image-contrastive" in str(e.value)
        assert same(trained_state(trainer.method), calls[-1])
        with safe_open(tmp_path / "not-a-number.safetensors", "pt") as file:
            assert file.get_tensor("pixels").shape == (4, 3, 32, 32)
            assert file.get_tensor("frames").shape[0] == 4
            assert len(json.loads(file.metadata()["ids"])) == 4

    @pytest.mark.parametrize(
        ("parts", "setting", "message"),
        [
            (("projection", "prompt", "decoder", "masker"), "trained=false", r"no parameter to train"),
            (LOSSES, "weight=0", r"no loss with a weight"),
            (LOSSES, None, r"no loss with a weight"),
        ],
    )
    def test_needs_something_to_train(
        self, bench: Bench, parts: tuple[str, ...], setting: str | None, message: str
    ) -> None:
        overrides = [f"{part}.{setting}" if setting else f"{part}=null" for part in parts]
        with pytest.raises(TrainingError, match=message):
            bench.trainer("souple", *overrides).run()

    def test_needs_two_clips(self, bench: Bench) -> None:
        trainer = bench.trainer()
        with pytest.raises(TrainingError, match=r"at least two clips to contrast; there are 1"):
            replace(trainer, samples=trainer.samples[:1]).run()


@pytest.mark.parametrize(
    ("size", "negatives", "ranks", "message"),
    [(2, "global", 3, r"3 processes a clip.*--batch-size 3"), (4, "local", 3, r"two clips.*--batch-size 6")],
)
def test_a_batch_must_reach_all_processes(size: int, negatives: str, ranks: int, message: str) -> None:
    options = TrainingOptions(batch_size=size, negatives=negatives)
    check_shares(options, Ranks(0, size // (2 if negatives == "local" else 1)))
    with pytest.raises(TrainingError, match=message):
        check_shares(options, Ranks(0, ranks))


class TestBrokenClips:
    def test_are_left_out_and_named(self, bench: Bench) -> None:
        skipped = bench.trainer(dataset="tiny-broken").run().skipped
        assert set(skipped) == {f"train-{index}" for index in (1, 3, 6, 8, 11, 13)}
        assert "no-such-image.png" in skipped["train-1"].reason

    def test_stop_a_strict_run(self, bench: Bench) -> None:
        trainer = bench.trainer(dataset="tiny-broken", strict=True)
        with pytest.raises(
            DataError, match=r"Stopped at clip 'train-\d+' \(--strict\): no-such-(image|sound)"
        ):
            trainer.run()

    def test_must_not_be_all(self, bench: Bench) -> None:
        trainer = bench.trainer(dataset="tiny-broken")
        broken = [trainer.samples[index] for index in (1, 3, 6, 8)]
        with pytest.raises(
            TrainingError, match=r"No batch had two clips that can be read. 'train-\d': no-such"
        ):
            replace(trainer, samples=broken).run()


def test_the_log_has_every_term(bench: Bench, tmp_path: Path) -> None:
    steps: list[StepReport] = []
    bench.trainer(on_step=steps.append).run()
    lines = log(tmp_path)
    assert [line["step"] for line in lines] == list(range(6))
    assert [line["losses"] for line in lines] == [step.losses for step in steps]
    assert set(lines[0]["losses"]) == {"image-contrastive", "feature-contrastive", "area", "total"}
    assert lines[0]["of"] == 6
    assert all(line["clips_per_second"] > 0 for line in lines)


def test_a_ragged_last_batch_trains(bench: Bench) -> None:
    steps: list[StepReport] = []
    bench.trainer("souple", "training.steps=null", "training.epochs=2", on_step=steps.append).run()
    assert len(steps) == 8  # 4 + 4 + 4 + 2 clips, twice


def test_training_learns(bench: Bench) -> None:
    steps: list[StepReport] = []
    overrides = ("training.steps=60", "training.learning_rate=1e-2", "training.batch_size=6")
    bench.trainer("acl-ssl", *overrides, "decoder.name=similarity", on_step=steps.append).run()
    first, last = (sum(step.losses["total"] for step in part) / 10 for part in (steps[:10], steps[-10:]))
    assert last < 0.7 * first


class TestPrecision:
    def test_losses_stay_in_float32(self, bench: Bench) -> None:
        trainer = bench.trainer(accelerator=make_accelerator("cpu", "bf16"))
        seen: dict[str, torch.dtype] = {}
        terms = trainer.method.loss_terms

        def looking(grounding: Any) -> State:
            assert not torch.is_autocast_enabled("cpu")
            losses = terms(grounding)
            seen.update({name: value.dtype for name, value in losses.items()})
            return losses

        def grounding(method: Method, inputs: Any) -> None:
            assert torch.is_autocast_enabled("cpu")
            grounded.append(method)

        trainer.method.loss_terms, grounded = looking, list[Method]()
        trainer.method.register_forward_pre_hook(grounding)
        before = {name: value.clone() for name, value in trained_state(trainer.method).items()}
        trainer.run()
        assert len(grounded) == 6
        assert set(seen.values()) == {torch.float32}
        assert {value.dtype for value in trained_state(trainer.method).values()} == {torch.float32}
        assert not same(trained_state(trainer.method), before)
