"""The alignment losses on cases that can be worked out by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from avprompt_acl.losses import (
    Area,
    AreaOptions,
    ContrastiveOptions,
    FeatureContrastive,
    FeatureContrastiveOptions,
    ImageContrastive,
    info_nce,
)

# Features of two images or sounds, in the plane.
RIGHT, UP = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])


def grounding(**made: Any) -> Any:
    return SimpleNamespace(**made)


def shared(*texts: Tensor) -> Tensor:
    """Text features (B, B, D) that are the same for every image."""
    return torch.stack(texts).expand(len(texts), -1, -1)


class TestInfoNCE:
    def test_by_hand(self) -> None:
        # exp(s / 0.5): rows [e2, 1], [e1, e3]; both ways the mean of -log(match / sum).
        similarity = torch.tensor([[1.0, 0.0], [0.5, 1.5]])
        e = torch.exp
        rows = -(e(t(2)) / (e(t(2)) + 1)).log() - (e(t(3)) / (e(t(1)) + e(t(3)))).log()
        columns = -(e(t(2)) / (e(t(2)) + e(t(1)))).log() - (e(t(3)) / (1 + e(t(3)))).log()
        assert info_nce(similarity, 0.5) == pytest.approx(float(rows + columns) / 4)

    def test_is_symmetric(self) -> None:
        similarity = torch.randn(5, 5)
        torch.testing.assert_close(info_nce(similarity, 0.07), info_nce(similarity.T, 0.07))

    def test_of_no_knowledge_is_the_logarithm_of_the_batch(self) -> None:
        assert info_nce(torch.zeros(8, 8), 0.07) == pytest.approx(float(torch.tensor(8.0).log()))

    def test_is_computed_in_float32(self) -> None:
        assert info_nce(torch.eye(3, dtype=torch.bfloat16), 0.07).dtype == torch.float32


def t(value: float) -> Tensor:
    return torch.tensor(float(value))


class TestImageContrastive:
    loss = ImageContrastive(ContrastiveOptions(temperature=1.0))

    def test_compares_directions_only(self) -> None:
        aligned = grounding(image_level=torch.stack([5 * RIGHT, 2 * UP]), text=shared(RIGHT, 9 * UP))
        # Cosines are the identity: -log(e / (e + 1)) for every row and column.
        assert self.loss(aligned) == pytest.approx(float(torch.log(1 + torch.exp(t(-1)))))

    def test_prefers_matching_pairs(self) -> None:
        image = torch.stack([RIGHT, UP])
        right, wrong = shared(RIGHT, UP), shared(UP, RIGHT)
        assert self.loss(grounding(image_level=image, text=right)) < self.loss(
            grounding(image_level=image, text=wrong)
        )

    def test_reads_each_audio_under_each_image(self) -> None:
        """With `cross` pairing A[i, j] differs with i."""
        text = torch.stack([torch.stack([RIGHT, UP]), torch.stack([UP, UP])])
        value = self.loss(grounding(image_level=torch.stack([RIGHT, UP]), text=text))
        expected = info_nce(torch.tensor([[1.0, 0.0], [1.0, 1.0]]), 1.0)
        torch.testing.assert_close(value, expected)


class TestFeatureContrastive:
    v_f = torch.stack([torch.stack([RIGHT, UP]), torch.stack([RIGHT + UP, UP])])  # [image, audio]
    text = torch.stack([torch.stack([RIGHT, UP]), torch.stack([-UP, -RIGHT])])  # [image, audio]

    def value(self, compare_with: str) -> Tensor:
        options = FeatureContrastiveOptions(temperature=1.0, compare_with=compare_with)
        return FeatureContrastive(options)(grounding(feature_level=self.v_f, text=self.text))

    def test_with_the_images_own_audio_as_published(self) -> None:
        # Row i against A[i, i]: RIGHT for the first image, -RIGHT for the second.
        similarity = torch.tensor([[1.0, 0.0], [-(0.5**0.5), 0.0]])
        torch.testing.assert_close(self.value("image"), info_nce(similarity, 1.0))

    def test_with_each_audio_as_the_paper_reads(self) -> None:
        similarity = torch.tensor([[1.0, 1.0], [-(0.5**0.5), 0.0]])
        torch.testing.assert_close(self.value("audio"), info_nce(similarity, 1.0))


class TestArea:
    @pytest.mark.parametrize(
        ("positive", "negative", "expected"),
        [(0.4, 0.0, 0.0), (0.25, 0.1, 0.25), (0.9, 0.2, 0.7)],  # p below and above the target
    )
    def test_is_the_distance_to_both_targets(self, positive: float, negative: float, expected: float) -> None:
        value = Area(AreaOptions())(grounding(areas=(t(positive), t(negative))))
        assert float(value) == pytest.approx(expected)

    def test_pulls_the_area_towards_the_target_from_both_sides(self) -> None:
        for positive, direction in ((0.2, -1.0), (0.7, 1.0)):
            area = torch.tensor(positive, requires_grad=True)
            Area(AreaOptions())(grounding(areas=(area, t(0.0)))).backward()
            assert area.grad == direction

    def test_targets_are_options(self) -> None:
        options = AreaOptions(target=0.1, negative_target=0.2)
        value = Area(options)(grounding(areas=(t(0.3), t(0.1))))
        assert float(value) == pytest.approx(0.3)

    def test_a_target_is_a_share(self) -> None:
        with pytest.raises(ValidationError, match=r"less than or equal to 1"):
            AreaOptions(target=1.5)
