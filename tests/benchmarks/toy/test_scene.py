"""Scenes of the toy world."""

from __future__ import annotations

import numpy as np
import pytest

from avprompt_benchmarks.toy.layout import place
from avprompt_benchmarks.toy.scene import Scene, draw_scene
from avprompt_benchmarks.toy.seeds import generator
from avprompt_benchmarks.toy.shapes import OUTLINES


def draw(index: int = 0, kinds: tuple[int, ...] = (0, 5, 10, 23)) -> Scene:
    return draw_scene(generator(0, "test", index), kinds)


def test_a_scene_is_a_colour_picture_with_a_label_for_every_pixel() -> None:
    scene = draw()
    assert scene.image.shape == (96, 96, 3)
    assert scene.labels.shape == (96, 96)
    assert scene.image.dtype == scene.labels.dtype == np.uint8


def test_the_same_generator_draws_the_same_scene() -> None:
    np.testing.assert_array_equal(draw(3).image, draw(3).image)
    assert (draw(3).image != draw(4).image).any()


def test_masks_are_disjoint_and_none_is_empty() -> None:
    for index in range(20):
        masks = np.stack([draw(index).mask(i) for i in range(4)])
        assert masks.sum(axis=0).max() == 1
        assert masks.sum(axis=(1, 2)).min() > 250


def test_masks_join_into_a_union() -> None:
    scene = draw()
    np.testing.assert_array_equal(scene.mask(0, 2), scene.mask(0) | scene.mask(2))
    assert not scene.mask().any()


def test_a_mask_is_exact() -> None:
    """A plain white object on its own differs from the ground inside its mask and nowhere else."""
    kinds = (0,)
    scene = draw(kinds=kinds)
    assert [thing.kind for thing in scene.things] == [0]
    inside = scene.image[scene.mask(0)].astype(float)
    assert inside.std(axis=0).max() < 10  # one colour under the grain


@pytest.mark.parametrize("outline", OUTLINES)
def test_shapes_have_about_the_same_area(outline) -> None:  # noqa: ANN001
    axis = np.linspace(-1.5, 1.5, 301)
    area = outline(axis[:, None], axis[None]).mean() * 9
    assert 2.2 < area < 3.4


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_objects_stand_inside_the_picture_and_apart(count: int) -> None:
    centres, radii = place(generator(0, "layout", count), count)
    assert ((centres > 0) & (centres < 96)).all()
    assert ((radii >= 16) & (radii <= 24)).all()
    gaps = np.linalg.norm(centres[:, None] - centres[None], axis=-1) + 1e3 * np.eye(count)
    assert gaps.min() > 24
