"""From mask logits to masks and heatmaps, worked out by hand on small maps."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError

from avprompt.plugin import resize_maps
from avprompt_acl.masker import GumbelSigmoidMasker, GumbelSigmoidOptions

HALF = 0.5  # a uniform draw without noise


class TestHardMask:
    masker = GumbelSigmoidMasker(GumbelSigmoidOptions(scale=10, bias=14))

    def test_cuts_at_minus_b_over_w(self) -> None:
        logits = torch.tensor([-2.0, -1.41, -1.39, 3.0])
        mask = self.masker.hard(logits, torch.full_like(logits, HALF))
        torch.testing.assert_close(mask, torch.tensor([0.0, 0.0, 1.0, 1.0]))

    def test_gradient_is_the_soft_masks(self) -> None:
        masker = GumbelSigmoidMasker(GumbelSigmoidOptions(scale=2, bias=1))
        logits = torch.tensor([0.3, -0.9], requires_grad=True)
        masker.hard(logits, torch.full_like(logits, HALF)).sum().backward()
        soft = torch.sigmoid(2 * logits + 1).detach()
        slope = soft * (1 - soft)
        torch.testing.assert_close(logits.grad, 2 * slope)
        torch.testing.assert_close(masker.w.grad, (slope * logits).sum().detach())
        torch.testing.assert_close(masker.b.grad, slope.sum())

    def test_noise_moves_the_cut(self) -> None:
        logits = torch.full((2,), -1.4)  # exactly undecided
        mask = self.masker.hard(logits, torch.tensor([0.1, 0.9]))
        torch.testing.assert_close(mask, torch.tensor([0.0, 1.0]))

    def test_draws_follow_the_logits(self) -> None:
        masker = GumbelSigmoidMasker(GumbelSigmoidOptions(scale=1, bias=0))
        logits = torch.tensor([-1.0, 0.0, 2.0]).expand(20_000, 3)
        share = masker.hard(logits, torch.rand_like(logits)).mean(0)
        torch.testing.assert_close(share, torch.sigmoid(logits[0]), atol=0.02, rtol=0)

    @pytest.mark.parametrize("extreme", [0.0, 1.0])
    def test_extreme_draws_stay_finite(self, extreme: float) -> None:
        logits = torch.zeros(3, requires_grad=True)
        mask = self.masker.hard(logits, torch.full((3,), extreme))
        mask.sum().backward()
        assert torch.isfinite(mask).all()
        assert torch.isfinite(logits.grad).all()


class TestFeatureMask:
    def test_is_a_soft_cut_in_the_middle_of_the_range(self) -> None:
        logits = torch.tensor([[-3.0, -1.0], [0.0, 1.0]])  # unit: 0, 0.5, 0.75, 1
        mask = GumbelSigmoidMasker(GumbelSigmoidOptions(feature_temperature=0.1)).feature(logits, (2, 2))
        expected = torch.sigmoid(torch.tensor([[-5.0, 0.0], [2.5, 5.0]]))
        torch.testing.assert_close(mask, expected)

    def test_does_not_depend_on_scale_or_offset(self) -> None:
        logits = torch.randn(2, 3, 8, 8)
        masker = GumbelSigmoidMasker(GumbelSigmoidOptions())
        same = masker.feature(5 * logits - 3, (8, 8))
        torch.testing.assert_close(masker.feature(logits, (8, 8)), same, atol=1e-4, rtol=0)

    def test_takes_the_range_before_it_resizes(self) -> None:
        logits = torch.zeros(4, 4)
        logits[3, 3] = 1.0  # lost on the coarse grid
        mask = GumbelSigmoidMasker(GumbelSigmoidOptions()).feature(logits, (2, 2))
        torch.testing.assert_close(mask, torch.full((2, 2), 0.0008), atol=1e-4, rtol=0)

    def test_a_flat_map_marks_nothing(self) -> None:
        mask = GumbelSigmoidMasker(GumbelSigmoidOptions()).feature(torch.full((4, 4), 3.0), (2, 2))
        torch.testing.assert_close(mask, torch.full((2, 2), -0.5 / 0.07).sigmoid())

    def test_a_flat_map_is_finite(self) -> None:
        logits = torch.zeros(4, 4, requires_grad=True)
        mask = GumbelSigmoidMasker(GumbelSigmoidOptions()).feature(logits, (2, 2))
        mask.sum().backward()
        assert torch.isfinite(mask).all()
        assert torch.isfinite(logits.grad).all()


class TestHeatmap:
    def test_is_the_sigmoid_of_g_plus_b_over_w(self) -> None:
        logits = torch.tensor([[-1.4, 0.0]])
        heatmap = GumbelSigmoidMasker(GumbelSigmoidOptions(scale=10, bias=14)).heatmap(logits[None], (1, 2))
        torch.testing.assert_close(heatmap, torch.sigmoid(torch.tensor([[[0.0, 1.4]]])))

    def test_resizes_the_logits_first(self) -> None:
        logits = torch.randn(2, 4, 4)
        heatmap = GumbelSigmoidMasker(GumbelSigmoidOptions(bias=0)).heatmap(logits, (9, 9))
        torch.testing.assert_close(heatmap, resize_maps(logits, (9, 9), "bicubic").sigmoid())
        assert heatmap.shape == (2, 9, 9)


def test_options_of_the_masker() -> None:
    with pytest.raises(ValidationError, match=r"greater than 0"):
        GumbelSigmoidOptions(feature_temperature=0)
