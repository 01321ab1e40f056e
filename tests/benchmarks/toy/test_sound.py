"""Sounds of the toy world."""

from __future__ import annotations

import numpy as np
import pytest

from avprompt_benchmarks.toy.classes import CLASSES
from avprompt_benchmarks.toy.seeds import generator
from avprompt_benchmarks.toy.sound import make_noise, make_sound, mix_sounds


@pytest.mark.parametrize("kind", CLASSES)
def test_a_sound_is_two_seconds_within_one(kind: int) -> None:
    sound = make_sound(generator(0, "test", kind), kind)
    assert sound.shape == (32000,)
    assert sound.dtype == np.float32
    assert 0.05 < abs(sound).max() <= 1


def test_the_same_generator_makes_the_same_sound() -> None:
    first, again, other = (make_sound(generator(0, "test", i), 7) for i in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_mixtures_and_noise_stay_within_one() -> None:
    for sound in (mix_sounds(generator(0, "test", 0), [2, 9]), make_noise(generator(0, "test", 0))):
        assert sound.dtype == np.float32
        assert abs(sound).max() <= 1


def test_rhythm_follows_the_texture() -> None:
    """A plain thing sounds all the time; others fall silent in between."""
    quiet = []
    for texture in range(4):
        sound = make_sound(generator(0, "rhythm", 0), texture)
        loudness = abs(sound).reshape(-1, 320).max(axis=1)  # 20 ms
        quiet.append((loudness < 0.2 * loudness.max()).mean())
    assert quiet[0] == 0
    assert min(quiet[1:]) > 0.2
