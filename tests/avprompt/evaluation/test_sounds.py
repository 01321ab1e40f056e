"""Sounds under altered conditions: each encoded once, none given back to its own image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from avprompt.errors import EvaluationError
from avprompt.evaluation.sounds import AlteredAudio, other_class, partners
from avprompt.features.encoding import Encoding
from avprompt.records import AudioFeatures, Sample
from tinyworld.bench import SPEC, Bench
from tinyworld.benchmark import Broken, Tiny
from tinyworld.scenes import CLASSES, scene, sound


@pytest.fixture
def audio(bench: Bench) -> AlteredAudio:
    return AlteredAudio(Encoding(bench.method("oracle").eval()), SPEC)


@pytest.fixture
def samples() -> list[Sample]:
    return list(Tiny().split("test").samples)


def heard(audio: AudioFeatures) -> list[str]:
    """Name the class that each sound's token is of."""
    return [CLASSES[kind] for kind in audio.tokens[:, 0, : len(CLASSES)].argmax(-1)]


@given(count=st.integers(2, 60), seed=st.integers(0, 5), missing=st.sets(st.integers(0, 59)))
def test_partners_are_a_derangement_of_what_is_usable(count: int, seed: int, missing: set[int]) -> None:
    usable = np.array([index for index in range(count) if index not in missing])
    if len(usable) < 2:
        return
    chosen = partners(usable, count, seed)[usable]
    assert sorted(chosen) == sorted(usable)
    assert not (chosen == usable).any()


@given(count=st.integers(3, 60), seed=st.integers(0, 5), missing=st.sets(st.integers(0, 59)))
def test_partners_at_two_distances_are_two(count: int, seed: int, missing: set[int]) -> None:
    usable = np.arange(count)
    seen = np.array([index for index in range(count) if index not in missing])
    if len(seen) < 3:
        return
    near = partners(usable, count, seed)[seen]
    far = partners(usable, count, seed, distance=2, without=[*missing])[seen]
    assert sorted(far) == sorted(seen)
    assert not (far == seen).any()
    assert not (far == near).any()


def test_partners_follow_the_seed() -> None:
    drawn = [partners(np.arange(20), 20, seed).tolist() for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_others_are_of_another_class_and_usable() -> None:
    labels = ["cat", "owl", "dog", "cat", "owl", "owl"]
    usable = np.array([0, 1, 2, 3, 4])
    drawn = np.stack([other_class(usable, labels[:5], 6, seed) for seed in range(50)])  # (50, 6)
    for index in usable:
        allowed = {other for other in usable.tolist() if labels[other] != labels[index]}
        assert set(drawn[:, index]) == allowed, "and each of them is drawn at times"
    assert set(drawn[:, 5]) == {5}, "who cannot be heard is given to nobody, and is given nothing"


class TestEncode:
    def test_true_sounds(self, audio: AlteredAudio, samples: list[Sample]) -> None:
        tokens = audio.encode(samples, altered=False, batch_size=4)
        assert set(tokens.by_condition) == {"true"}
        assert heard(tokens.by_condition["true"]) == [sample.label for sample in samples]
        assert tokens.missing == {}

    def test_altered_sounds(self, audio: AlteredAudio, samples: list[Sample]) -> None:
        by = audio.encode(samples, altered=True, batch_size=4).by_condition
        labels = [sample.label for sample in samples]
        assert set(by) == {"true", "distractor", "shuffled", "silent", "noise", "off-screen"}
        assert sorted(heard(by["shuffled"])) == sorted(labels)
        for condition in ("shuffled", "distractor", "off-screen"):
            assert all(other != own for other, own in zip(heard(by[condition]), labels, strict=True))
        assert float(by["silent"].tokens.abs().max()) == 0
        assert float(by["noise"].tokens.std()) > 0
        assert not torch.equal(by["noise"].tokens[0], by["noise"].tokens[1])

    def test_frames_go_with_tokens_where_the_prompt_asks_for_them(
        self, audio: AlteredAudio, samples: list[Sample], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert audio.encode(samples, altered=False, batch_size=4).by_condition["true"].frames is None
        monkeypatch.setattr(audio.encoding.method.prompt, "sees_frames", True)
        by = audio.encode(samples, altered=True, batch_size=4).by_condition
        assert {features.frames is None for features in by.values()} == {False}
        for condition in ("shuffled", "off-screen"):  # the oracle's token is the mean of its frames
            frames, tokens = by[condition].frames, by[condition].tokens
            assert frames is not None
            torch.testing.assert_close(frames.mean(1), tokens[:, 0, : len(CLASSES)])

    def test_batches_change_nothing(self, audio: AlteredAudio, samples: list[Sample]) -> None:
        one, other = (audio.encode(samples, altered=True, batch_size=size) for size in (2, 6))
        for condition, tokens in one.by_condition.items():
            torch.testing.assert_close(tokens.tokens, other.by_condition[condition].tokens)

    def test_follows_the_seed(self, audio: AlteredAudio, samples: list[Sample]) -> None:
        drawn = [
            audio.encode(samples, altered=True, batch_size=4, seed=seed).by_condition["shuffled"].tokens
            for seed in (0, 0, 3)
        ]
        assert torch.equal(drawn[0], drawn[1])
        assert not torch.equal(drawn[0], drawn[2])

    def test_a_benchmarks_own_off_screen_sound_is_used(
        self, audio: AlteredAudio, samples: list[Sample]
    ) -> None:
        samples[2] = replace(samples[2], off_screen=sound(5))
        tokens = audio.encode(samples, altered=True, batch_size=4).by_condition["off-screen"]
        assert heard(tokens)[2] == CLASSES[5]
        assert torch.isfinite(tokens.tokens).all()

    def test_missing_sounds_are_named_and_given_to_nobody(self, audio: AlteredAudio) -> None:
        samples = list(Broken().split("validation").samples)
        tokens = audio.encode(samples, altered=True, batch_size=4)
        assert list(tokens.missing) == [3]
        assert "no-such-sound.wav" in tokens.missing[3].reason
        used = [index for index in range(len(samples)) if index != 3]
        for condition, table in tokens.by_condition.items():
            assert torch.isfinite(table[used].tokens).all(), condition

    def test_one_class_has_no_off_screen_sound(self, audio: AlteredAudio) -> None:
        samples = [scene("test", index) for index in (0, 6, 12)]
        assert "off-screen" not in audio.encode(samples, altered=True, batch_size=4).by_condition

    def test_one_sample_has_nobody_to_swap_with(self, audio: AlteredAudio) -> None:
        assert "shuffled" not in audio.encode([scene("test", 0)], altered=True, batch_size=4).by_condition


@pytest.mark.parametrize(("part", "name"), [("audio_encoder", "TinyEar"), ("projection", "Oracle")])
@pytest.mark.parametrize("number", [float("nan"), float("inf")])
@pytest.mark.parametrize("call", [1, 2])
def test_what_is_made_of_a_sound_is_finite(
    audio: AlteredAudio, samples: list[Sample], part: str, name: str, number: float, call: int
) -> None:
    calls = []

    def spoil(module: torch.nn.Module, inputs: object, output: Tensor) -> Tensor:
        calls.append(module)
        if len(calls) == call:
            output = output.clone()
            output[1] = number
        return output

    audio.encoding.method.parts()[part].register_forward_hook(spoil)
    message = rf"What {name} made of the sound \(true\) of '{samples[2 * call - 1].id}' holds NaN or infinity"
    with pytest.raises(EvaluationError, match=message):
        audio.encode(samples, altered=False, batch_size=2)
