"""Prompts made for other images than the one that they are used in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from avprompt.config.options import PromptOptions, TrainedOptions
from avprompt.data.inputs import ImageReader
from avprompt.evaluation.contexts import SOUNDS, AlteredContexts, ContextReader
from avprompt.evaluation.images import encode_images
from avprompt.evaluation.score import Scores, score
from avprompt.evaluation.sounds import AlteredAudio, AudioTokens, partners
from avprompt.features.encoding import Encoding
from avprompt.model.context_prompt import ContextPrompt
from avprompt.model.method import Method
from avprompt.model.parts import AudioProjection
from avprompt.records import ImageFeatures, Sample, Split
from tinyworld.bench import SPEC, Bench
from tinyworld.benchmark import Tiny
from tinyworld.scenes import CLASSES, scene

SEED = 3


class Colours(ContextPrompt):
    """The context is the colours that are in the image."""

    def context(self, image: ImageFeatures) -> Tensor:
        colours = image.pooled.clone()
        colours[:, len(CLASSES) :] = 0
        return colours[:, None]


class Blind(Colours):
    """It could look, and does not: the context is all zero."""

    def context(self, image: ImageFeatures) -> Tensor:
        return 0 * super().context(image)


class Mute(AudioProjection):
    """The audio token is zero, whatever sounds."""

    def forward(self, frames: Tensor) -> Tensor:
        return frames.new_zeros(len(frames), 1, self.text_width)


def samples_of_one_square() -> list[Sample]:
    """Six clips of six colours, each with nothing in it but what sounds."""
    samples = [scene("test", index) for index in range(6)]
    return [
        replace(sample, image=np.where(sample.truth.mask[..., None] > 0, sample.image, 128).astype(np.uint8))
        for sample in samples
        if sample.truth is not None and isinstance(sample.image, np.ndarray)
    ]


def method_of(bench: Bench, prompt: type[ContextPrompt], *, deaf: bool) -> Method:
    method = bench.method("oracle")
    method.prompt = prompt(PromptOptions(), method.backbone)
    if deaf:
        method.projection = Mute(TrainedOptions(), method.audio_encoder, method.backbone)
    return method.eval()


def reliance(bench: Bench, method: Method) -> tuple[Scores, dict[str, Scores]]:
    """Return what a method scores under altered sounds, and under altered contexts."""
    evaluator, samples = bench.evaluator(method), samples_of_one_square()
    test = evaluator.measure(Split(samples, len(samples)), altered=True)
    scores = score(test, None, evaluator.protocols)
    assert scores.scores["val-threshold"]["cIoU"] == 100
    return scores.audio_reliance, scores.context_reliance


def test_whoever_answers_by_context_alone_needs_it_and_is_deaf(bench: Bench) -> None:
    sounds, contexts = reliance(bench, method_of(bench, Colours, deaf=True))
    assert sounds["shuffled"] == sounds["silent"] == {"cIoU": 100}
    # Six colours: another image's is never the own, the mean has all of them, a blank image none.
    assert contexts["other"] == {sound: {"cIoU": 0} for sound in SOUNDS}
    assert contexts["mean"] == {sound: {"cIoU": 100} for sound in SOUNDS}
    assert contexts["blank"] == {"true": {"cIoU": 0}}


def test_whoever_ignores_the_image_scores_the_same_under_every_context(bench: Bench) -> None:
    sounds, contexts = reliance(bench, method_of(bench, Blind, deaf=False))
    assert sounds["shuffled"] == sounds["silent"] == {"cIoU": 0}
    of_all = {"true": {"cIoU": 100}, "shuffled": {"cIoU": 0}, "silent": {"cIoU": 0}}
    assert contexts == {"other": of_all, "mean": of_all, "blank": {"true": {"cIoU": 100}}}


def test_whoever_does_not_look_has_no_rows_and_no_second_pass(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    method, seen = method_of(bench, Blind, deaf=False), list[int]()
    encode = method.backbone.encode_image
    monkeypatch.setattr(
        method.backbone, "encode_image", lambda pixels: seen.append(len(pixels)) or encode(pixels)
    )
    reliance(bench, method)
    assert sorted(seen) == [1, 2, 2, 4, 4], "a blank image, and each batch twice"
    seen.clear()
    method.prompt.looks = False
    assert reliance(bench, method)[1] == {}
    assert seen == [4, 2]


class TestReader:
    """What is read is what the prompt generator makes of each sound with the image two places before."""

    @pytest.fixture
    def method(self, bench: Bench) -> Method:
        method = bench.method("souple", "prompt.reduction=1").eval()
        torch.nn.init.normal_(method.prompt.expand.weight)  # contexts that differ
        return method

    @staticmethod
    def read(method: Method, samples: list[Sample]) -> tuple[AudioTokens, AlteredContexts]:
        encoding = Encoding(method)
        audio = AlteredAudio(encoding, SPEC).encode(samples, altered=True, batch_size=4, seed=SEED)
        contexts = ContextReader(encoding, SPEC).read(samples, audio, batch_size=4, seed=SEED)
        assert contexts is not None
        return audio, contexts

    @staticmethod
    def features(method: Method, samples: list[Sample]) -> ImageFeatures:
        read = ImageReader(SPEC)
        return encode_images(Encoding(method), [read(sample, 0, k) for k, sample in enumerate(samples)])

    @torch.no_grad()
    def test_texts_and_the_mean(self, method: Method) -> None:
        samples = list(Tiny().split("test").samples)
        audio, contexts = self.read(method, samples)
        features = self.features(method, samples)
        donors = partners(np.arange(6), 6, SEED, distance=2)
        for sound in SOUNDS:
            expected = method.read(audio.by_condition[sound], features[donors.tolist()])
            torch.testing.assert_close(contexts.other[sound], expected)
        own = method.read(audio.by_condition["true"], features)
        assert not torch.isclose(contexts.other["true"], own).all(1).any()
        mean = method.prompt.context(features).mean(0, keepdim=True)
        torch.testing.assert_close(contexts.mean, mean)
        texts = dict(contexts.texts(method, audio, [4, 1]))
        prompts = [method.prompt.with_context(audio.by_condition["silent"][[k]], mean) for k in (4, 1)]
        expected = torch.cat([method.backbone.encode_prompt(prompt) for prompt in prompts])
        torch.testing.assert_close(texts["silent/mean-context"], expected)
        blank = method.encode_image(torch.zeros(1, 3, SPEC.image_size, SPEC.image_size))
        expected = torch.cat([method.read(audio.by_condition["true"][[k]], blank) for k in (4, 1)])
        torch.testing.assert_close(texts["true/blank-context"], expected)

    @torch.no_grad()
    def test_images_that_cannot_be_read_lend_nothing(self, method: Method) -> None:
        samples = list(Tiny().split("test").samples)
        samples[1], samples[3] = (replace(samples[k], image=Path("gone.png")) for k in (1, 3))
        audio, contexts = self.read(method, samples)
        rows = contexts.other["true"].isfinite().all(1)
        assert rows.tolist() == [True, False, True, False, True, True]
        features = self.features(method, [samples[k] for k in (0, 2, 4, 5)])
        mean = method.prompt.context(features).mean(0, keepdim=True)
        torch.testing.assert_close(contexts.mean, mean)
        del audio

    def test_of_two_samples_there_is_no_other(self, method: Method) -> None:
        audio, contexts = self.read(method, list(Tiny().split("test").samples[:2]))
        assert contexts.other == {}
        assert set(dict(contexts.texts(method, audio, [0, 1]))) == {
            "true/mean-context",
            "shuffled/mean-context",
            "silent/mean-context",
            "true/blank-context",
        }

    def test_a_context_that_listens_has_no_mean(self, bench: Bench) -> None:
        method = bench.method("souple", "prompt.condition=sum").eval()
        _, contexts = self.read(method, list(Tiny().split("test").samples))
        assert contexts.mean is None
        assert set(contexts.other) == set(SOUNDS)

    def test_a_context_of_the_sound_alone_does_not_look(self, bench: Bench) -> None:
        assert not bench.method("souple", "prompt.condition=audio").prompt.looks
