"""SouPLe's Meta-net."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from avprompt.records import AudioFeatures, ImageFeatures
from avprompt.testing import StandInBackbone
from avprompt.testing.assertions import random_features
from avprompt_souple.prompt import MetaNetOptions, MetaNetPrompt


class PublishedWidths(StandInBackbone):
    joint_width, text_width = 512, 512


@pytest.fixture
def image() -> ImageFeatures:
    return StandInBackbone().encode_image(torch.randn(4, 3, 32, 32))


@pytest.mark.parametrize(("tokens", "count"), [(4, 84_000), (8, 151_584), (16, 286_752)])
def test_published_size(tokens: int, count: int) -> None:
    prompt = MetaNetPrompt(MetaNetOptions(context_tokens=tokens), PublishedWidths())
    assert sum(parameter.numel() for parameter in prompt.parameters()) == count


def test_starts_at_the_words(image: ImageFeatures) -> None:
    backbone = StandInBackbone()
    context = MetaNetPrompt(MetaNetOptions(), backbone).context(image)
    assert context.shape == (4, 4, 8)
    words = backbone.embed_text("a photo of a").expand(4, -1, -1)
    torch.testing.assert_close(context, words, atol=0.02, rtol=0)


@pytest.mark.parametrize("tokens", [8, 16])
def test_starts_at_the_words_again_and_again_where_there_are_more_tokens(
    image: ImageFeatures, tokens: int
) -> None:
    backbone = StandInBackbone()
    context = MetaNetPrompt(MetaNetOptions(context_tokens=tokens), backbone).context(image)
    words = backbone.embed_text("a photo of a").repeat(tokens // 4, 1)
    torch.testing.assert_close(context, words.expand(4, -1, -1), atol=0.02, rtol=0)


def test_starts_anywhere_when_random(image: ImageFeatures) -> None:
    backbone = StandInBackbone()
    context = MetaNetPrompt(MetaNetOptions(initialise="random"), backbone).context(image)
    assert (context - backbone.embed_text("a photo of a")).abs().mean() > 0.3


@pytest.mark.parametrize("initialise", ["words", "random"])
def test_every_image_makes_its_own_context(image: ImageFeatures, initialise: str) -> None:
    context = MetaNetPrompt(MetaNetOptions(initialise=initialise, reduction=2), StandInBackbone()).context(
        image
    )
    assert not torch.equal(context[0], context[1])


def test_initialisation_changes_no_count() -> None:
    counts = {
        sum(p.numel() for p in MetaNetPrompt(MetaNetOptions(initialise=how), StandInBackbone()).parameters())
        for how in ("words", "random")
    }
    assert len(counts) == 1


def test_the_length_of_the_image_feature_does_not_matter_when_normalised(image: ImageFeatures) -> None:
    doubled = ImageFeatures(2 * image.pooled, image.hidden, image.dense)
    for normalise, same in ((True, True), (False, False)):
        torch.manual_seed(0)
        options = MetaNetOptions(normalise=normalise, initialise="random", reduction=2)
        prompt = MetaNetPrompt(options, StandInBackbone())
        assert torch.allclose(prompt.context(image), prompt.context(doubled)) is same


class TestCondition:
    @pytest.mark.parametrize("condition", ["audio", "sum"])
    def test_it_hears_the_sound(self, condition: str) -> None:
        backbone = StandInBackbone()
        prompt = MetaNetPrompt(
            MetaNetOptions(condition=condition, initialise="random", reduction=2), backbone
        )
        image, audio = random_features(backbone, 2), AudioFeatures(torch.randn(2, 1, 8))
        first, other = prompt(audio, image[[0, 0]]).embeddings[:, 1:5]
        assert not torch.allclose(first, other), "two sounds have two contexts"
        first, other = prompt(audio[[0, 0]], image).embeddings[:, 1:5]
        assert torch.allclose(first, other) is (condition == "audio"), "two images have two if it sees them"

    def test_the_sum_is_of_unit_vectors(self) -> None:
        class Square(StandInBackbone):
            text_width = joint_width = 16

        backbone = Square()
        prompt = MetaNetPrompt(MetaNetOptions(condition="sum"), backbone)
        image, audio = random_features(backbone, 2), AudioFeatures(torch.randn(2, 3, 16))
        added = F.normalize(image.pooled, dim=-1) + F.normalize(audio.tokens.mean(1), dim=-1)
        expected = prompt.expand(prompt.reduce(added).relu()).unflatten(-1, (4, 16))
        torch.testing.assert_close(prompt.pair_context(audio, image), expected)
        assert {name.partition(".")[0] for name, _ in prompt.named_parameters()} == {"reduce", "expand"}

    def test_widths_that_differ_need_a_map(self) -> None:
        prompt = MetaNetPrompt(MetaNetOptions(condition="sum"), StandInBackbone())
        assert prompt.widen.weight.shape == (16, 8)
