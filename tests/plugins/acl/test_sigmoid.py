"""SigLIP's loss on cases that can be worked out by hand."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from avprompt.training.optimisation import parameter_groups
from avprompt.training.state import StepReport
from avprompt.weights.checkpoint import trained_state
from avprompt_acl.losses import feature_similarity, image_similarity
from avprompt_acl.sigmoid import SigmoidContrastive, SigmoidOptions, sigmoid_loss
from tinyworld.bench import Bench
from tinyworld.training import log, same, trained

RIGHT, UP = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])


def t(value: float) -> Tensor:
    return torch.tensor(float(value))


def grounding() -> Any:
    """Two images, two sounds, each audio read in its own way for each image."""
    return SimpleNamespace(
        image_level=torch.stack([3 * RIGHT, RIGHT + UP]),
        feature_level=torch.stack([torch.stack([RIGHT, UP]), torch.stack([RIGHT + UP, 2 * UP])]),
        text=torch.stack([torch.stack([RIGHT, UP]), torch.stack([-UP, 5 * RIGHT])]),
    )


class TestEquation:
    def test_by_hand(self) -> None:
        # t s + b: 2 and -2 on the diagonal, 0 and 4 beside it.
        similarity = torch.tensor([[1.0, 0.5], [1.5, 0.0]])
        e = math.exp
        expected = math.log(1 + e(-2)) + math.log(1 + e(2)) + math.log(1 + e(0)) + math.log(1 + e(4))
        assert float(sigmoid_loss(similarity, t(4), t(-2))) == pytest.approx(expected / 2)

    def test_is_two_sided(self) -> None:
        similarity = torch.randn(5, 5)
        torch.testing.assert_close(
            sigmoid_loss(similarity, t(10), t(-10)), sigmoid_loss(similarity.T, t(10), t(-10))
        )

    def test_order_of_the_clips_does_not_matter(self) -> None:
        similarity, order = torch.randn(5, 5), torch.randperm(5)
        shuffled = similarity[order][:, order]
        torch.testing.assert_close(
            sigmoid_loss(shuffled, t(10), t(-2)), sigmoid_loss(similarity, t(10), t(-2))
        )

    def test_a_pair_does_not_compete_with_others(self) -> None:
        """The gradient to one pair stays the same whatever the others say; InfoNCE's does not."""
        similarity = torch.randn(4, 4)
        gradients = []
        for _ in range(2):
            similarity = similarity.clone()
            similarity[0, 1:] += 1
            similarity.requires_grad_()
            (gradient,) = torch.autograd.grad(sigmoid_loss(similarity, t(10), t(-5)), similarity)
            gradients.append(gradient)
            similarity = similarity.detach()
        torch.testing.assert_close(gradients[0][0, 0], gradients[1][0, 0])
        assert (gradients[0].diagonal() < 0).all()
        off = ~torch.eye(4, dtype=torch.bool)
        assert (gradients[0][off] > 0).all()

    def test_of_pairs_far_from_right_is_finite_in_half_precision(self) -> None:
        wrong = (1 - 2 * torch.eye(3)).to(torch.bfloat16)
        value = sigmoid_loss(wrong, t(1000), t(-10))
        assert value.dtype == torch.float32
        assert value.isfinite()


class TestSigmoidContrastive:
    def test_starts_as_published(self) -> None:
        state = SigmoidContrastive(SigmoidOptions()).state_dict()
        start = {"t_prime": math.log(10), "b": -10.0}
        assert {name: float(value) for name, value in state.items()} == pytest.approx(start)

    @pytest.mark.parametrize(
        ("options", "similarity"),
        [
            ({}, image_similarity(grounding())),
            ({"level": "feature"}, feature_similarity(grounding(), "image")),
            ({"level": "feature", "compare_with": "audio"}, feature_similarity(grounding(), "audio")),
        ],
        ids=["image", "feature-image", "feature-audio"],
    )
    def test_contrasts_what_it_is_told_to(self, options: dict[str, str], similarity: Tensor) -> None:
        loss = SigmoidContrastive(SigmoidOptions(temperature=0.5, bias=-1, **options))
        torch.testing.assert_close(loss(grounding()).detach(), sigmoid_loss(similarity, t(2), t(-1)))

    def test_scale_and_bias_learn(self) -> None:
        loss = SigmoidContrastive(SigmoidOptions())
        loss(grounding()).backward()
        assert all(parameter.grad != 0 for parameter in loss.parameters())


class TestTraining:
    """What a loss learns is trained, saved and resumed as any part's."""

    SETTINGS = ("losses.sigmoid.level=feature", "losses.image-contrastive.weight=0")

    def test_changes_scale_and_bias(self, bench: Bench) -> None:
        state = trained(bench.trainer("souple", *self.SETTINGS))
        assert {name for name in state if name.startswith("losses")} == {
            "losses.sigmoid.t_prime",
            "losses.sigmoid.b",
        }
        assert float(state["losses.sigmoid.b"]) != -10
        assert float(state["losses.sigmoid.t_prime"]) != pytest.approx(math.log(10), abs=1e-7)

    def test_goes_on_from_the_middle(self, bench: Bench, tmp_path: Path) -> None:
        whole = trained(bench.trainer("souple", *self.SETTINGS))

        def interrupt(step: StepReport) -> None:
            if step.step == 2:
                raise KeyboardInterrupt

        halves = tmp_path / "halves"
        with pytest.raises(KeyboardInterrupt):
            bench.trainer("souple", *self.SETTINGS, folder=halves, on_step=interrupt).run()
        assert len(log(halves)) == 3
        assert same(trained(bench.trainer("souple", *self.SETTINGS, folder=halves), resume=True), whole)

    def test_scale_and_bias_do_not_decay(self, bench: Bench) -> None:
        trainer = bench.trainer("souple", *self.SETTINGS, "training.weight_decay=0.1")
        decays = [group["weight_decay"] for group in parameter_groups(trainer.method, trainer.options)]
        assert decays == [0.1] * (len(decays) - 1) + [0.0]

    @pytest.mark.parametrize("setting", ["losses.sigmoid.trained=false", "losses.sigmoid.weight=0"])
    def test_learns_nothing_where_it_must_not_or_is_left_out(self, bench: Bench, setting: str) -> None:
        state = trained_state(bench.trainer("souple", setting).method)
        assert not [name for name in state if name.startswith("losses")]


def test_a_choice_that_cannot_act_is_refused() -> None:
    assert SigmoidOptions(level="feature", compare_with="audio").compare_with == "audio"
    with pytest.raises(ValidationError, match=r"should be image unless level is feature"):
        SigmoidOptions(compare_with="audio")
