"""The worlds that change one thing of `toy`: what each promises, over many samples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from avprompt.evaluation.measure import measure_batch
from avprompt.records import Audio, Prediction, SoundSource
from avprompt_beats.encoder import BeatsEncoder, BeatsOptions
from avprompt_benchmarks.protocols.sources import EachSource
from avprompt_benchmarks.toy.adapter import Toy
from avprompt_benchmarks.toy.classes import CLASSES, NAMES, SHAPES, shape_of, texture_of
from avprompt_benchmarks.toy.plan import Plan
from avprompt_benchmarks.toy.samples import ToySamples
from avprompt_benchmarks.toy.worlds import ToyCrowd, ToyTwins, ToyVague

WORLDS = (ToyVague, ToyTwins, ToyCrowd)
MANY = 300


def drawn(plan: Plan) -> list[list[int]]:
    """The classes of many scenes, those that sound first."""
    return [plan.draw_kinds(np.random.default_rng(index), index) for index in range(MANY)]


def plans(world: type[Toy]) -> Sequence[Plan]:
    return list(world.plans.values())


@pytest.mark.parametrize("world", WORLDS)
def test_a_world_has_the_splits_and_counts_of_toy(world: type[Toy]) -> None:
    counts = {name: Toy.plans[name].count for name in ("train", "validation", "test")}
    assert {name: plan.count for name, plan in world.plans.items()} == counts
    assert {name: world().split(name).expected for name in counts} == counts


@pytest.mark.parametrize("world", WORLDS)
def test_every_class_sounds_and_something_is_silent(world: type[Toy]) -> None:
    for plan in plans(world):
        scenes = drawn(plan)
        assert {kinds[0] for kinds in scenes} == set(CLASSES)
        for index, kinds in enumerate(scenes):
            assert plan.sounding(index) < len(kinds) <= 4
            assert len(set(kinds)) == len(kinds)


@pytest.mark.parametrize("world", WORLDS)
def test_a_sample_is_drawn_as_it_was_planned(world: type[Toy]) -> None:
    for index in range(8):
        samples = world().split("test").samples
        assert isinstance(samples, ToySamples)
        sample, (_, scene) = samples[index], samples._draw(index)
        sounding = samples.plan.sounding(index)
        assert sample.truth is not None
        assert sample.distractor is not None
        np.testing.assert_array_equal(sample.truth.mask > 0, scene.mask(*range(sounding)))
        assert len(sample.truth.silent) == len(scene.things) - sounding
        np.testing.assert_array_equal(sample.distractor.mask, scene.mask(sounding))
        assert sample.label == " and ".join(map(samples.plan.name, scene.kinds[:sounding]))


def test_no_two_objects_of_a_vague_scene_share_a_shape() -> None:
    for plan in plans(ToyVague):
        for kinds in drawn(plan):
            shapes = set(map(shape_of, kinds))
            assert len(shapes) == len(kinds)
            unseen = plan.draw_unseen(np.random.default_rng(0), kinds)
            assert shape_of(unseen) not in shapes, "an off-screen sound must not tell of what is seen"


def test_a_vague_label_is_what_the_sound_tells() -> None:
    labels = {sample.label for sample in ToyVague().split("train").samples[:60]}
    assert labels == set(SHAPES)


def test_a_vague_voice_keeps_the_shape_and_draws_the_texture() -> None:
    """Twelve sigma around a quarter each, for the texture of what is seen as well as for the others."""
    rng, plan = np.random.default_rng(0), ToyVague.plans["test"]
    for kind in (0, 7, 23):
        voices = [plan.draw_voice(rng, kind) for _ in range(2000)]
        assert set(map(shape_of, voices)) == {shape_of(kind)}
        counts = np.bincount(list(map(texture_of, voices)), minlength=4)
        assert abs(counts - 500).max() < 120


def test_a_tagger_hears_the_shape_of_a_vague_object_and_its_texture_at_chance() -> None:
    split = ToyVague().split("test").samples
    assert isinstance(split, ToySamples)
    scenes, samples = [split._draw(index)[1] for index in range(96)], split[:96]
    distractors = [sample.distractor.audio for sample in samples if sample.distractor]
    for place, sounds in enumerate(([sample.audio for sample in samples], distractors)):
        pairs = [(scene.kinds[place], kind) for scene, kind in zip(scenes, tagged(sounds), strict=True)]
        assert np.mean([shape_of(seen) == shape_of(heard) for seen, heard in pairs]) > 0.9
        assert 0.1 < np.mean([texture_of(seen) == texture_of(heard) for seen, heard in pairs]) < 0.4


def test_a_twin_shares_the_shape_or_the_texture_never_both() -> None:
    shared = []
    for plan in plans(ToyTwins):
        for source, *silent in drawn(plan):
            for kind in silent:
                alike = shape_of(kind) == shape_of(source), texture_of(kind) == texture_of(source)
                assert sum(alike) == 1
                shared.append(alike[0])
    assert 0.2 < np.mean(shared) < 0.6, "both kinds of twins are there"


def test_two_and_three_sources_sound_in_a_crowd() -> None:
    for plan in plans(ToyCrowd):
        assert [plan.sounding(index) for index in range(4)] == [2, 3, 2, 3]
    for sample in ToyCrowd().split("test").samples[:6]:
        assert sample.truth is not None
        assert sample.label == " and ".join(sample.labels)
        assert len(sample.labels) == len(sample.truth.parts) == sample.truth.sources
        assert sample.truth.parts.any((1, 2)).all()
        np.testing.assert_array_equal(sample.truth.parts.sum(0), sample.truth.mask)


def test_the_sources_of_a_crowd_are_scored_one_by_one() -> None:
    """A map of the first source alone finds one of two, and one of three."""
    samples = ToyCrowd().split("test").samples[:4]
    truths = [sample.truth for sample in samples if sample.truth is not None]
    first = torch.from_numpy(np.stack([truth.parts[0] for truth in truths]).astype(np.float32))
    measured = measure_batch(range(4), samples, {"true": Prediction(first, torch.zeros(4))}, [EachSource()])
    found = measured.values["true", "each-source"]["found"]
    np.testing.assert_allclose(found[:, 9], [1 / 2, 1 / 3, 1 / 2, 1 / 3])


@torch.no_grad()
def tagged(sounds: Sequence[SoundSource]) -> list[int]:
    """The classes that the miniature tagger hears."""
    encoder = BeatsEncoder(
        BeatsOptions(checkpoint="package:avprompt_mini/weights/beats.safetensors", layers=(2, 3, 4))
    )
    encoder.load_weights()
    waves = np.stack([sound.samples for sound in sounds if isinstance(sound, Audio)])
    best = encoder.tag(encoder(torch.from_numpy(waves))).argmax(1)
    return [NAMES.index(encoder.labels[place]) for place in best.tolist()]
