"""`<sos> context [V_A] <eos>`: the order, where it is read, and what a learned context starts from."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from avprompt.config.options import PromptOptions
from avprompt.model.context_prompt import ContextPrompt, LearnedContextOptions, initial_context
from avprompt.records import ImageFeatures
from avprompt.testing import StandInBackbone


class Stripes(ContextPrompt):
    """Two context tokens that hold the image's first pooled channel."""

    def context(self, image: ImageFeatures) -> Tensor:
        return image.pooled[:, :1, None].expand(-1, 2, 8)


@pytest.fixture
def backbone() -> StandInBackbone:
    return StandInBackbone()


@pytest.fixture
def image(backbone: StandInBackbone) -> ImageFeatures:
    return backbone.encode_image(torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(1)))


@pytest.fixture
def audio() -> Tensor:
    return torch.randn(3, 1, 8, generator=torch.Generator().manual_seed(2))


def test_the_audio_token_comes_last(backbone: StandInBackbone, image: ImageFeatures, audio: Tensor) -> None:
    prompt = Stripes(PromptOptions(), backbone)(audio, image)
    start, end = backbone.special_token_embeddings()
    assert prompt.embeddings.shape == (3, 5, 8)
    for one, token, pooled in zip(prompt.embeddings, audio[:, 0], image.pooled, strict=True):
        context = pooled[0].expand(8)
        torch.testing.assert_close(one, torch.stack([start, context, context, token, end]))


def test_or_first(backbone: StandInBackbone, image: ImageFeatures, audio: Tensor) -> None:
    prompt = Stripes(PromptOptions(audio_token="first"), backbone)(audio, image)
    torch.testing.assert_close(prompt.embeddings[:, 1], audio[:, 0])
    torch.testing.assert_close(prompt.embeddings[:, 2], image.pooled[:, :1].expand(-1, 8))


@pytest.mark.parametrize("order", ["last", "first"])
def test_several_audio_tokens_keep_their_order(
    backbone: StandInBackbone, image: ImageFeatures, order: str
) -> None:
    audio = torch.randn(3, 2, 8)
    prompt = Stripes(PromptOptions(audio_token=order), backbone)(audio, image)
    begin = {"last": 3, "first": 1}[order]
    assert prompt.embeddings.shape == (3, 6, 8)
    torch.testing.assert_close(prompt.embeddings[:, begin : begin + 2], audio)


@pytest.mark.parametrize("tokens", [1, 3])
def test_it_is_read_at_the_end(backbone: StandInBackbone, image: ImageFeatures, tokens: int) -> None:
    prompt = Stripes(PromptOptions(), backbone)(torch.randn(3, tokens, 8), image)
    _, end = backbone.special_token_embeddings()
    assert prompt.read_at == prompt.embeddings.shape[1] - 1
    torch.testing.assert_close(prompt.embeddings[0, prompt.read_at], end)


def test_the_order_is_last_or_first() -> None:
    with pytest.raises(ValidationError, match=r"'last' or 'first'"):
        PromptOptions(audio_token="middle")


def test_pairs_are_image_major(backbone: StandInBackbone, image: ImageFeatures, audio: Tensor) -> None:
    prompt = Stripes(PromptOptions(), backbone).pairs(audio[:2], image)
    pairs = prompt.embeddings.reshape(3, 2, 5, 8)
    torch.testing.assert_close(pairs[2, 1, 1], image.pooled[2, 0].expand(8))
    torch.testing.assert_close(pairs[2, 1, 3], audio[1, 0])


def test_embeddings_have_the_audio_tokens_precision(
    backbone: StandInBackbone, image: ImageFeatures, audio: Tensor
) -> None:
    prompt = Stripes(PromptOptions(), backbone)(audio.bfloat16(), image)
    assert prompt.embeddings.dtype == torch.bfloat16


class TestInitialContext:
    def test_words(self, backbone: StandInBackbone) -> None:
        context = initial_context(LearnedContextOptions(words="a photo of a"), backbone)
        torch.testing.assert_close(context, backbone.embed_text("a photo of a"))

    def test_words_are_repeated_or_cut(self, backbone: StandInBackbone) -> None:
        words = backbone.embed_text("a photo of")
        for count, rows in ((5, [0, 1, 2, 0, 1]), (2, [0, 1])):
            options = LearnedContextOptions(words="a photo of", context_tokens=count)
            torch.testing.assert_close(initial_context(options, backbone), words[rows])

    def test_random(self, backbone: StandInBackbone) -> None:
        options = LearnedContextOptions(initialise="random", context_tokens=500)
        context = initial_context(options, backbone)
        assert context.shape == (500, 8)
        assert float(context.std()) == pytest.approx(0.02, rel=0.1)
        assert float(context.mean()) == pytest.approx(0, abs=0.002)

    def test_random_follows_the_seed(self, backbone: StandInBackbone) -> None:
        options, drawn = LearnedContextOptions(initialise="random"), []
        for seed in (0, 0, 1):
            torch.manual_seed(seed)
            drawn.append(initial_context(options, backbone))
        assert torch.equal(drawn[0], drawn[1])
        assert not torch.equal(drawn[0], drawn[2])
