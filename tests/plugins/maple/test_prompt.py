"""MaPLe's tokens: where they stand, what they start from, and how those of the image are made."""

from __future__ import annotations

import pytest
import torch

from avprompt.config.method_config import resolve
from avprompt.errors import ConfigError
from avprompt.model.build import build
from avprompt.records import AudioFeatures, ImageFeatures
from avprompt.registry import Registry
from avprompt.testing import StandInBackbone, check_prompt_generator
from avprompt_maple.prompt import MaPLeOptions, MaPLePrompt


@pytest.fixture
def image() -> ImageFeatures:
    return StandInBackbone().encode_image(torch.randn(3, 3, 32, 32))


def prompt(**options: object) -> MaPLePrompt:
    return MaPLePrompt(MaPLeOptions(depth=3, **options), StandInBackbone())


@pytest.mark.parametrize("initialise", ["words", "random"])
def test_keeps_its_promises(initialise: str) -> None:
    check_prompt_generator(prompt(initialise=initialise), StandInBackbone(), audio_tokens=2)


@torch.no_grad()
def test_starts_from_the_first_words_and_is_random_deeper(image: ImageFeatures) -> None:
    torch.manual_seed(0)
    maple = prompt(context_tokens=2)
    words = StandInBackbone().embed_text("a photo of a")
    torch.testing.assert_close(maple.context(image), words[None, :2])
    deep = torch.cat(MaPLePrompt(MaPLeOptions(depth=200), StandInBackbone()).deep_context())
    assert deep.shape == (199 * 2, 8)
    assert deep.mean() == pytest.approx(0, abs=1e-3)
    assert deep.std() == pytest.approx(0.02, rel=0.05)


def test_context_and_sound_stand_between_start_and_end(image: ImageFeatures) -> None:
    maple, backbone = prompt(), StandInBackbone()
    sound = torch.randn(3, 1, 8)
    made = maple(AudioFeatures(sound), image)
    start, end = (token.expand(3, 1, -1) for token in backbone.special_token_embeddings())
    expected = torch.cat([start, maple.tokens[0].expand(3, -1, -1), sound, end], dim=1)
    torch.testing.assert_close(made.embeddings, expected)
    assert made.read_at == 4
    assert [tuple(tokens.shape) for tokens in made.deep_text] == [(1, 2, 8)] * 2
    assert all(torch.equal(made.deep_text[k][0], maple.tokens[k + 1]) for k in range(2))


def test_tokens_of_an_image_layer_are_a_linear_map_of_those_of_its_text_layer() -> None:
    maple = prompt()
    for k, tokens in enumerate(maple.visual()):
        weight, bias = maple.coupling[k].weight, maple.coupling[k].bias
        torch.testing.assert_close(tokens, maple.tokens[k] @ weight.T + bias)
        used = torch.autograd.grad(tokens.sum(), list(maple.parameters()), allow_unused=True)
        felt = {name for (name, _), g in zip(maple.named_parameters(), used, strict=True) if g is not None}
        assert felt == {f"tokens.{k}", f"coupling.{k}.weight", f"coupling.{k}.bias"}


def test_of_one_layer_has_no_deeper_tokens(image: ImageFeatures) -> None:
    shallow = MaPLePrompt(MaPLeOptions(depth=1), StandInBackbone())
    assert shallow(AudioFeatures(torch.randn(3, 1, 8)), image).deep_text == ()
    assert [tuple(tokens.shape) for tokens in shallow.visual()] == [(2, 12)]


def test_the_sound_stands_behind_the_context() -> None:
    with pytest.raises(ConfigError, match=r"audio_token is first, but .* behind <sos>: leave it last"):
        prompt(audio_token="first")


@pytest.mark.parametrize(("encoders", "depth"), [("published", 9), ("mini", 3)])
def test_reaches_as_deep_as_the_paper_where_the_towers_do(
    registry: Registry, encoders: str, depth: int
) -> None:
    assert resolve(registry, "maple", encoders).prompt["depth"] == depth


def test_too_deep_for_the_towers_is_refused_before_training(registry: Registry) -> None:
    config = resolve(registry, "maple", "mini", ["prompt.depth=4"])
    message = (
        r"MaPLePrompt.* 4 layers of the text tower\. The .*MiniBackbone.* 3 at most\. Set it to fewer layers"
    )
    with pytest.raises(ConfigError, match=message):
        build(config, registry, weights=False)
