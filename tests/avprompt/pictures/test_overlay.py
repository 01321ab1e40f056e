from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter

from avprompt.pictures.overlay import _neighbours, colour, outline, overlay, spotlight, stretch

GREY = np.full((40, 60, 3), 128, dtype=np.uint8)


def lightness(picture: np.ndarray) -> np.ndarray:
    return picture @ np.array([0.2126, 0.7152, 0.0722])


def test_colours_rise_in_lightness() -> None:
    ramp = lightness(colour(np.linspace(0, 1, 200)[None]))[0]
    assert (np.diff(ramp) >= -0.5).all()
    assert ramp[0] < 5
    assert ramp[-1] > 240


def test_heat_lights_the_image_where_it_is() -> None:
    heatmap = np.zeros((4, 6), dtype=np.float32)
    heatmap[:, :2] = 1
    shown = lightness(overlay(GREY, heatmap))
    assert shown.shape == (40, 60)
    assert shown[20, 5] > 128 + 50
    assert shown[20, 50] == 128


def test_what_is_under_the_heat_stays_visible() -> None:
    image = GREY.copy()
    image[:, ::2] = 64
    shown = lightness(overlay(image, np.ones((4, 6), dtype=np.float32)))
    assert (shown[:, 1::2] - shown[:, ::2]).min() > 25, "of a difference of 64"


def test_a_line_goes_around_what_reaches_the_threshold() -> None:
    heatmap = np.zeros((40, 60), dtype=np.float32)
    heatmap[10:30, 20:40] = 0.6
    plain, low, high = (overlay(GREY, heatmap, threshold=value) for value in (None, 0.5, 0.7))
    assert np.array_equal(high, plain), "nothing reaches 0.7"
    changed = (low != plain).any(-1)
    assert changed[20, 18:23].any()
    assert not changed[20, 28:32].any()
    assert not changed[:5].any()


def test_the_outline_follows_the_truth() -> None:
    truth = np.zeros((40, 60), dtype=np.float32)
    truth[10:30, 20:40] = 1
    drawn = outline(GREY, truth)
    assert lightness(drawn)[20, 18:23].max() > 180, "white on the edge"
    assert (drawn[20, 30] == 128).all(), "nothing inside"
    assert (drawn[5, 5] == 128).all(), "nothing outside"


@pytest.mark.parametrize("reach", [3, 5, 9])
def test_neighbours_are_counted_as_rank_filters_see_them(reach: int) -> None:
    inside = np.random.default_rng(reach).random((23, 31)) > 0.9
    inside[8:20, 5:20] = True
    counts = _neighbours(inside, reach)
    picture = Image.fromarray(np.uint8(255) * inside)
    assert np.array_equal(counts > 0, np.asarray(picture.filter(ImageFilter.MaxFilter(reach))) > 0)
    assert np.array_equal(counts == reach**2, np.asarray(picture.filter(ImageFilter.MinFilter(reach))) > 0)


def test_an_empty_truth_has_no_outline() -> None:
    assert (outline(GREY, np.zeros((8, 8))) == GREY).all()


def test_spotlight_darkens_what_is_silent() -> None:
    truth = np.zeros((40, 60), dtype=np.float32)
    truth[:, 30:] = 1
    shown = spotlight(GREY, truth)
    assert shown[20, 50, 0] == 128
    assert shown[20, 5, 0] == pytest.approx(0.3 * 128, abs=1)


def test_stretch_stays_in_range() -> None:
    spike = np.zeros((5, 5), dtype=np.float32)
    spike[2, 2] = 1
    resized = stretch(spike, (50, 70))
    assert resized.shape == (50, 70)
    assert resized.min() == 0
    assert resized.max() <= 1
