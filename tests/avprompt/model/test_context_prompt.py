"""`<sos> context [V_A] <eos>`: the order, where it is read, and what a learned context starts from."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from avprompt.config.options import PromptOptions
from avprompt.errors import ConfigError
from avprompt.model.context_prompt import ContextPrompt, LearnedContextOptions, initial_context
from avprompt.model.outputs import text_features
from avprompt.records import AudioFeatures, ImageFeatures
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
def audio() -> AudioFeatures:
    return AudioFeatures(torch.randn(3, 1, 8, generator=torch.Generator().manual_seed(2)))


def test_the_audio_token_comes_last(
    backbone: StandInBackbone, image: ImageFeatures, audio: AudioFeatures
) -> None:
    prompt = Stripes(PromptOptions(), backbone)(audio, image)
    start, end = backbone.special_token_embeddings()
    assert prompt.embeddings.shape == (3, 5, 8)
    for one, token, pooled in zip(prompt.embeddings, audio.tokens[:, 0], image.pooled, strict=True):
        context = pooled[0].expand(8)
        torch.testing.assert_close(one, torch.stack([start, context, context, token, end]))


def test_or_first(backbone: StandInBackbone, image: ImageFeatures, audio: AudioFeatures) -> None:
    prompt = Stripes(PromptOptions(audio_token="first"), backbone)(audio, image)
    torch.testing.assert_close(prompt.embeddings[:, 1], audio.tokens[:, 0])
    torch.testing.assert_close(prompt.embeddings[:, 2], image.pooled[:, :1].expand(-1, 8))


@pytest.mark.parametrize("order", ["last", "first"])
def test_several_audio_tokens_keep_their_order(
    backbone: StandInBackbone, image: ImageFeatures, order: str
) -> None:
    audio = AudioFeatures(torch.randn(3, 2, 8))
    prompt = Stripes(PromptOptions(audio_token=order), backbone)(audio, image)
    begin = {"last": 3, "first": 1}[order]
    assert prompt.embeddings.shape == (3, 6, 8)
    torch.testing.assert_close(prompt.embeddings[:, begin : begin + 2], audio.tokens)


@pytest.mark.parametrize("tokens", [1, 3])
def test_it_is_read_at_the_end(backbone: StandInBackbone, image: ImageFeatures, tokens: int) -> None:
    prompt = Stripes(PromptOptions(), backbone)(AudioFeatures(torch.randn(3, tokens, 8)), image)
    _, end = backbone.special_token_embeddings()
    assert prompt.read_at == prompt.embeddings.shape[1] - 1
    torch.testing.assert_close(prompt.embeddings[0, prompt.read_at], end)


def test_or_behind_so_many_context_tokens(
    backbone: StandInBackbone, image: ImageFeatures, audio: AudioFeatures
) -> None:
    sequences = {
        position: Stripes(PromptOptions(audio_token=position), backbone)(audio, image).embeddings
        for position in ("first", 0, 1, 2, "last")
    }
    assert torch.equal(sequences[0], sequences["first"])
    torch.testing.assert_close(sequences[1][:, 2], audio.tokens[:, 0])
    assert torch.equal(sequences[2], sequences["last"])


def test_all_is_the_mean_over_positions(
    backbone: StandInBackbone, image: ImageFeatures, audio: AudioFeatures
) -> None:
    def text(position: object) -> Tensor:
        prompt = Stripes(PromptOptions(audio_token=position), backbone)  # type: ignore[arg-type]
        return text_features(backbone, prompt(audio, image), prompt)

    torch.testing.assert_close(text("all"), (text(0) + text(1) + text(2)) / 3)


def test_a_position_beyond_the_context(
    backbone: StandInBackbone, image: ImageFeatures, audio: AudioFeatures
) -> None:
    with pytest.raises(ConfigError, match=r"audio_token = 3, but the context has 2 tokens: use 0 to 2"):
        Stripes(PromptOptions(audio_token=3), backbone)(audio, image)


@pytest.mark.parametrize("position", ["middle", -1, True, 1.0, "1"])
def test_what_is_no_position(position: object) -> None:
    with pytest.raises(ValidationError, match=r"'last', 'first' or 'all'"):
        PromptOptions(audio_token=position)  # type: ignore[arg-type]


def test_a_learned_context_holds_the_position() -> None:
    assert LearnedContextOptions(audio_token=4).audio_token == 4
    with pytest.raises(ValidationError, match=r"at least prompt.audio_token = 9"):
        LearnedContextOptions(audio_token=9)


class Loud(Stripes):
    """Both context tokens hold the sound's first channel and the image's."""

    listens = True

    def pair_context(self, audio: AudioFeatures, image: ImageFeatures) -> Tensor:
        return self.context(image) + audio.tokens[:, :, :1]


def test_a_context_that_listens(
    backbone: StandInBackbone, image: ImageFeatures, audio: AudioFeatures
) -> None:
    prompt = Loud(PromptOptions(), backbone)
    pairs = prompt.pairs(audio[:2], image).embeddings.reshape(3, 2, 5, 8)
    expected = image.pooled[2, 0] + audio.tokens[1, 0, 0]
    torch.testing.assert_close(pairs[2, 1, 1], expected.expand(8))
    torch.testing.assert_close(pairs[2, 1], prompt(audio[[1]], image[[2]]).embeddings[0])


class Deep(Stripes):
    """Stripes whose context goes on as ones in the second layer."""

    prompted_text_layers = 2

    def deep_context(self) -> tuple[Tensor, ...]:
        return (torch.ones(2, 8),)


def test_a_context_in_deep_layers(
    backbone: StandInBackbone, image: ImageFeatures, audio: AudioFeatures
) -> None:
    prompt = Deep(PromptOptions(), backbone)
    assert [tokens.shape for tokens in prompt(audio, image).deep_text] == [(1, 2, 8)]
    plain = Stripes(PromptOptions(), backbone)
    deep_text, plain_text = (
        text_features(backbone, generator(audio, image), generator) for generator in (prompt, plain)
    )
    assert not torch.allclose(deep_text, plain_text)
    with pytest.raises(ConfigError, match=r"audio_token must be last, not first"):
        Deep(PromptOptions(audio_token="first"), backbone)(audio, image)


def test_pairs_are_image_major(backbone: StandInBackbone, image: ImageFeatures, audio: AudioFeatures) -> None:
    prompt = Stripes(PromptOptions(), backbone).pairs(audio[:2], image)
    pairs = prompt.embeddings.reshape(3, 2, 5, 8)
    torch.testing.assert_close(pairs[2, 1, 1], image.pooled[2, 0].expand(8))
    torch.testing.assert_close(pairs[2, 1, 3], audio.tokens[1, 0])


def test_embeddings_have_the_audio_tokens_precision(
    backbone: StandInBackbone, image: ImageFeatures, audio: AudioFeatures
) -> None:
    prompt = Stripes(PromptOptions(), backbone)(audio.map(Tensor.bfloat16), image)
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
