"""The toy benchmark and its splits."""

from __future__ import annotations

import numpy as np
import pytest

from avprompt.errors import DataError
from avprompt.records import Audio, Sample
from avprompt_benchmarks.toy.adapter import PLANS, Toy, ToyOpenSet
from avprompt_benchmarks.toy.classes import HEARD, NAMES, UNHEARD
from avprompt_benchmarks.toy.samples import ToySamples


def samples(split: str, count: int = 12) -> list[Sample]:
    return list(Toy().split(split).samples[:count])


def kinds(split: str) -> list[int]:
    return [NAMES.index(sample.label) for sample in samples(split, 40)]


# Label, pixels of the truth, pixels of the silent objects, loudness of the sound and of the off-screen sound.
SEVENTH = {
    "train": ("plain square", 0, [], 0.522125, 0.0),
    "validation": ("plain star", 913, [776], 0.183778, 0.267812),
    "test": ("plain square", 951, [1282], 0.402611, 0.119902),
    "train-heard": ("striped ring", 0, [], 0.283043, 0.0),
    "heard": ("checkered star", 628, [1339], 0.17199, 0.111121),
    "unheard": ("checkered circle", 1030, [925, 885, 650], 0.155595, 0.108014),
    "multi-source": ("checkered ring and plain square", 2615, [944], 0.208962, 0.136762),
    "negatives": ("noise", 0, [1378, 1140], 0.23847, 0.108953),
}


@pytest.mark.parametrize("name", PLANS)
def test_the_samples_are_those_that_published_numbers_were_made_on(name: str) -> None:
    """Exact where that does not depend on how a machine rounds."""
    label, inside, silent, loudness, off_screen = SEVENTH[name]
    sample = Toy().split(name).samples[7]
    assert sample.label == label
    assert np.sqrt(np.mean(np.square(heard(sample)))) == pytest.approx(loudness, abs=1e-5)
    if sample.truth is not None:
        assert isinstance(sample.off_screen, Audio)
        assert abs(sample.truth.mask.sum() - inside) <= 2
        assert np.abs(sample.truth.silent.sum(axis=(1, 2)) - silent).max() <= 2
        assert np.sqrt(np.mean(np.square(sample.off_screen.samples))) == pytest.approx(off_screen, abs=1e-5)


@pytest.mark.parametrize("name", PLANS)
def test_every_split_has_what_it_announces(name: str) -> None:
    split = Toy().split(name)
    assert len(split.samples) == split.expected
    assert split.missing == ()
    assert split.samples[-1].id == f"{name}-{split.expected - 1:04d}"


def test_a_wrong_split_is_named() -> None:
    with pytest.raises(DataError, match="Did you mean 'unheard'"):
        Toy().split("unherd")


def test_the_same_seed_gives_the_same_sample() -> None:
    for split in ("train", "test"):
        first, again = (Toy().split(split).samples[5] for _ in range(2))
        other = Toy(seed=1).split(split).samples[5]
        np.testing.assert_array_equal(first.image, again.image)
        np.testing.assert_array_equal(heard(first), heard(again))
        assert (first.image != other.image).any()


def test_a_kept_training_sample_is_the_one_that_was_drawn() -> None:
    split = Toy().split("train").samples
    np.testing.assert_array_equal(heard(split[1]), heard(split[1]))
    assert split[1].truth is None


def test_splits_do_not_share_samples() -> None:
    assert (samples("test", 1)[0].image != samples("validation", 1)[0].image).any()


def test_an_index_out_of_range_is_an_error() -> None:
    with pytest.raises(IndexError, match="500 samples"):
        Toy().split("test").samples[500]


def test_every_test_scene_has_a_source_and_silent_things_apart_from_it() -> None:
    for sample in samples("test"):
        assert sample.truth is not None
        assert sample.truth.mask.shape == (96, 96)
        assert sample.truth.mask.sum() > 250
        assert 1 <= len(sample.truth.silent) <= 3
        assert not (sample.truth.silent & (sample.truth.mask > 0)).any()


def test_a_distractor_is_silent_and_sounds_otherwise() -> None:
    for sample in samples("test"):
        assert sample.distractor is not None
        assert sample.truth is not None
        assert (sample.distractor.mask == sample.truth.silent[0]).all()
        assert isinstance(sample.distractor.audio, Audio)
        assert (sample.distractor.audio.samples != heard(sample)).any()


def test_silent_things_are_of_other_classes() -> None:
    split = Toy().split("test").samples
    assert isinstance(split, ToySamples)
    for index in range(20):
        _, scene = split._draw(index)
        names = [thing.kind for thing in scene.things]
        assert len(set(names)) == len(names)


def test_heard_and_unheard_sound_of_their_own_half() -> None:
    assert set(kinds("train-heard")) <= set(HEARD)
    assert set(kinds("heard")) <= set(HEARD)
    assert set(kinds("unheard")) <= set(UNHEARD)


def test_the_open_set_trains_on_the_heard_half() -> None:
    adapter = ToyOpenSet()
    for split in (adapter.train_split, *adapter.test_splits):
        assert split in PLANS
    assert PLANS[adapter.train_split].kinds == HEARD


def test_two_things_sound_in_multi_source_scenes() -> None:
    for sample in samples("multi-source"):
        first, second = sample.label.split(" and ")
        assert first != second
        assert sample.truth is not None
        assert sample.truth.mask.sum() > 500


def test_nothing_visible_sounds_in_negatives() -> None:
    silence, noise, off_screen = samples("negatives", 3)
    assert [sample.label for sample in (silence, noise, off_screen)] == ["silence", "noise", "off-screen"]
    assert not heard(silence).any()
    assert heard(noise).any()
    for sample in (silence, noise, off_screen):
        assert sample.truth is not None
        assert not sample.truth.mask.any()
        assert len(sample.truth.silent) >= 2


def heard(sample: Sample) -> np.ndarray:
    assert isinstance(sample.audio, Audio)
    return sample.audio.samples
