"""Masked features and areas, worked out by hand on small maps."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from avprompt.distributed import ALONE
from avprompt.model.grounding import Grounding, masked_mean, resize_maps
from avprompt.records import ImageFeatures
from avprompt.testing import StandInMasker
from tinyworld.training import without_noise


def test_masked_mean_weighs_the_dense_features() -> None:
    dense = torch.arange(8.0).reshape(1, 2, 2, 2)  # channels [[0 1], [2 3]] and [[4 5], [6 7]]
    masks = torch.tensor([[[[1.0, 0.0], [0.0, 1.0]], [[0.0, 2.0], [0.0, 0.0]]]])
    # (0 + 3, 4 + 7) and (2, 10), over a total of 4.
    expected = torch.tensor([[[3.0, 11.0], [2.0, 10.0]]]) / 4
    torch.testing.assert_close(masked_mean(dense, masks), expected)


class TestGrounding:
    """Two images of 4 x 4 pixels on a 2 x 2 grid; image i is white where its own mask is 1."""

    pixels = torch.stack([torch.full((3, 4, 4), 1.0), torch.full((3, 4, 4), 2.0)])
    image = ImageFeatures(torch.zeros(2, 3), (), torch.ones(2, 3, 2, 2))
    clips = (pixels, image, torch.zeros(2, 2, 3))

    @pytest.fixture
    def logits(self) -> Tensor:
        logits = torch.full((2, 2, 4, 4), -5.0)
        logits[0, 0, :2] = 5.0  # image 0, its own sound: half
        logits[1, 1, 0, 0] = 5.0  # image 1, its own sound: a pixel
        logits[0, 1, :, 0] = 5.0  # image 0, the other sound: a column
        return logits

    @pytest.fixture
    def ground(self, logits: Tensor) -> Callable[..., Grounding]:
        def make(pool: Callable[[Tensor], Tensor] = lambda pixels: pixels.mean((-2, -1))) -> Grounding:
            return Grounding(StandInMasker(), pool, *self.clips, logits, without_noise, ALONE.rows(2))

        return make

    def test_image_level_sees_its_own_mask(self, ground: Callable[..., Grounding]) -> None:
        expected = torch.tensor([0.5, 2 / 16])[:, None].expand(2, 3)
        torch.testing.assert_close(ground().image_level, expected)

    def test_areas(self, ground: Callable[..., Grounding]) -> None:
        positive, negative = ground().areas
        torch.testing.assert_close(positive, torch.tensor((1 / 2 + 1 / 16) / 2))
        # The mean over all four pairs, less p / B: what the two others cover, over four.
        torch.testing.assert_close(negative, torch.tensor((1 / 4 + 0) / 4))

    def test_nothing_is_computed_twice_or_unasked(self, ground: Callable[..., Grounding]) -> None:
        calls: list[Tensor] = []

        def pool(pixels: Tensor) -> Tensor:
            calls.append(pixels)
            return pixels.mean((-2, -1))

        grounding = ground(pool)
        assert grounding.areas is grounding.areas
        assert not calls
        assert grounding.image_level is grounding.image_level
        assert len(calls) == 1
        assert grounding.hard_masks is grounding.hard_masks

    def test_is_computed_in_float32(self) -> None:
        logits = torch.randn(2, 2, 4, 4).bfloat16()

        def pool(pixels: Tensor) -> Tensor:
            return pixels.mean((-2, -1))

        draw, rows = torch.rand_like, ALONE.rows(2)
        grounding = Grounding(StandInMasker(), pool, *self.clips, logits, draw, rows)
        items = (grounding.hard_masks, grounding.image_level, grounding.feature_level, *grounding.areas)
        assert {item.dtype for item in items} == {torch.float32}


def test_resize_keeps_leading_axes() -> None:
    assert resize_maps(torch.zeros(2, 3, 4, 4), (8, 6), "bilinear").shape == (2, 3, 8, 6)
    maps = torch.randn(2, 3, 4, 4)
    assert resize_maps(maps, (4, 4), "bicubic") is maps
