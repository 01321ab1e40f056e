"""A composition at work: which parts train, how pairs are read, what comes out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from avprompt.config.method_config import resolve
from avprompt.model.build import build
from avprompt.model.method import Method
from avprompt.records import AudioFeatures, Prompt
from avprompt.registry import Registry
from tinyworld.encoders import CHECKSUM
from tinyworld.training import ground, without_noise

Make = Callable[..., Method]
Clips = tuple[Tensor, Tensor]
"""Pixels and waveforms."""

ENCODERS = {"backbone", "audio_encoder"}


@pytest.fixture
def make(registry: Registry) -> Make:
    def make(method: str, *overrides: str, weights: bool = True) -> Method:
        return build(resolve(registry, method, "tiny", overrides), registry, weights=weights)

    return make


@pytest.fixture
def clips() -> Clips:
    return torch.rand(3, 3, 32, 32) * 2 - 1, torch.randn(3, 160)


def training(module: nn.Module) -> set[bool]:
    return {child.training for child in module.modules()}


@pytest.mark.parametrize(
    ("method", "overrides", "trained"),
    [
        ("souple", [], {"projection", "prompt", "decoder", "masker"}),
        ("acl-ssl", [], {"projection", "masker"}),
        ("coop", [], {"projection", "prompt", "masker"}),
        ("souple", ["decoder.trained=false", "masker.trained=false"], {"projection", "prompt"}),
        ("souple", ["prompt.trained=false", "projection.trained=false"], {"decoder", "masker"}),
        ("oracle", [], set()),
    ],
)
def test_what_trains(make: Make, method: str, overrides: list[str], trained: set[str]) -> None:
    built = make(method, *overrides)
    assert set(built.trained_parts()) == trained
    counted = sum(p.numel() for name in trained for p in built.parts()[name].parameters())
    assert built.trainable_parameters() == counted
    assert sum(p.numel() for p in built.parameters() if p.requires_grad) == counted


def test_only_what_trains_is_in_training_mode(make: Make) -> None:
    built = make("acl-ssl").train()
    for name, part in built.parts().items():
        assert training(part) == {name in built.trained_parts()}, name
    assert training(make("souple").train().decoder) == {True}
    assert training(built.eval()) == {False}


def test_weights_are_read_and_recorded(make: Make) -> None:
    with_weights, without = make("acl-ssl"), make("acl-ssl", weights=False)
    assert with_weights.checksums == CHECKSUM
    assert without.checksums == {}
    assert float(with_weights.backbone.words.weight.detach().abs().sum()) > 0
    assert float(without.backbone.words.weight.detach().abs().sum()) == 0


def test_can_be_built_without_memory(make: Make) -> None:
    with torch.device("meta"):
        built = make("souple", weights=False)
    assert {parameter.device.type for parameter in built.parameters()} == {"meta"}


class TestPairing:
    def test_own_reads_an_audio_under_its_own_image(self, make: Make, clips: Clips) -> None:
        built = make("souple", "prompt.initialise=random", "prompt.reduction=2")
        image, frames = built.encode_image(clips[0]), built.encode_audio(clips[1])
        pairs = ground(built, *clips).text
        own = built.read(built.listen(frames), image)
        for i in range(3):
            torch.testing.assert_close(pairs[i], own)

    def test_cross_reads_every_audio_under_every_image(self, make: Make, clips: Clips) -> None:
        built = make("souple-cross", "prompt.initialise=random", "prompt.reduction=2")
        image, frames = built.encode_image(clips[0]), built.encode_audio(clips[1])
        pairs, audio = ground(built, *clips).text, built.listen(frames)
        for i in range(3):
            for j in range(3):
                torch.testing.assert_close(pairs[i, j], built.read(audio[[j]], image[[i]])[0])

    @pytest.mark.parametrize(("method", "prompts"), [("souple", 3), ("souple-cross", 9)])
    def test_costs_what_it_must(
        self, make: Make, clips: Clips, method: str, prompts: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        built, seen = make(method), []
        encode = built.backbone.encode_prompt

        def counting(prompt: Prompt) -> torch.Tensor:
            seen.append(len(prompt.embeddings))
            return encode(prompt)

        monkeypatch.setattr(built.backbone, "encode_prompt", counting)
        ground(built, *clips)
        assert seen == [prompts]

    @pytest.mark.parametrize("method", ["souple", "souple-cross"])
    def test_logits_are_those_of_the_pair(self, make: Make, clips: Clips, method: str) -> None:
        built = make(method)
        grounding = ground(built, *clips)
        image = built.encode_image(clips[0])
        single = built.decoder(image[[2]], grounding.text[2, [1]])
        torch.testing.assert_close(grounding.logits[2, 1], single[0], atol=1e-5, rtol=1e-5)


def test_encoders_leave_no_gradient_but_the_masks_do(make: Make, clips: Clips) -> None:
    built = make("souple").train()
    built.loss_terms(ground(built, *clips))["total"].backward()
    for name, part in built.parts().items():
        gradients = [p.grad for p in part.parameters()]
        if name in ENCODERS:
            assert gradients == [None] * len(gradients), name
        else:
            assert all(gradient is not None for gradient in gradients), name


class TestLossTerms:
    def test_are_weighted_and_summed(self, make: Make, clips: Clips) -> None:
        built = make("acl-ssl", "losses.area.weight=3", "projection.dropout=0")
        grounding = ground(built, *clips, without_noise)
        terms = built.loss_terms(grounding)
        assert set(terms) == {"image-contrastive", "feature-contrastive", "area", "total"}
        torch.testing.assert_close(terms["area"], 3 * built.losses["area"](grounding))
        parts = [value for name, value in terms.items() if name != "total"]
        torch.testing.assert_close(terms["total"], torch.stack(parts).sum())

    def test_of_weight_nought_cost_nothing(
        self, make: Make, clips: Clips, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        built = make("acl-ssl", "losses.image-contrastive.weight=0")
        monkeypatch.setattr(built.backbone, "pool_image", lambda pixels: pytest.fail("computed"))
        grounding = ground(built, *clips)
        assert set(built.loss_terms(grounding)) == {"feature-contrastive", "area", "total"}


class TestLocate:
    def test_heatmaps_and_confidence(self, make: Make, clips: Clips) -> None:
        built = make("souple").eval()
        image = built.encode_image(clips[0])
        text = built.read(built.listen(built.encode_audio(clips[1])), image)
        prediction = built.locate(image, text, (50, 40))
        assert prediction.heatmap.shape == (3, 50, 40)
        assert prediction.heatmap.dtype == torch.float32
        assert 0 <= float(prediction.heatmap.min()) <= float(prediction.heatmap.max()) <= 1
        assert prediction.confidence.shape == (3,)
        assert float(prediction.confidence.abs().max()) <= 1 + 1e-6
        assert not prediction.heatmap.requires_grad

    def test_confidence_is_how_much_the_marked_place_is_like_the_sound(self, make: Make) -> None:
        built = make("oracle")
        red = torch.full((1, 3, 32, 32), 0.0)
        red[:, :, :16, :16] = torch.tensor([1.0, -1.0, -1.0])[:, None, None]
        image = built.encode_image(red)

        def confidence(kind: int) -> Any:
            audio = AudioFeatures(torch.eye(8)[kind].reshape(1, 1, 8))
            return float(built.locate(image, built.read(audio, image), (32, 32)).confidence)

        assert confidence(0) > 0.8
        assert confidence(1) < 0.2

    def test_one_sample_does_not_change_another(self, make: Make, clips: Clips) -> None:
        built = make("souple").eval()
        image = built.encode_image(clips[0])
        text = torch.randn(3, 8)
        together, alone = built.locate(image, text, (32, 32)), built.locate(image[[1]], text[[1]], (32, 32))
        torch.testing.assert_close(together.heatmap[[1]], alone.heatmap, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(together.confidence[[1]], alone.confidence, atol=1e-5, rtol=1e-5)
