"""CoOp's shared vectors, and CoCoOp's shift of them by the image."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from avprompt.errors import ConfigError
from avprompt.records import AudioFeatures, ImageFeatures
from avprompt.testing import StandInBackbone
from avprompt_coop.prompts import CoCoOpOptions, CoCoOpPrompt, CoOpPrompt, LearnedContextOptions


@pytest.fixture
def image() -> ImageFeatures:
    return StandInBackbone().encode_image(torch.randn(3, 3, 32, 32))


def test_coop_starts_from_words_and_learns_them(image: ImageFeatures) -> None:
    backbone = StandInBackbone()
    prompt = CoOpPrompt(LearnedContextOptions(), backbone)
    torch.testing.assert_close(prompt.context(image)[0].detach(), backbone.embed_text("a photo of a"))
    assert {name: tuple(p.shape) for name, p in prompt.named_parameters()} == {"vectors": (4, 8)}


@pytest.mark.parametrize("part", [CoOpPrompt, CoCoOpPrompt])
@pytest.mark.parametrize("count", [3, 16])
def test_a_context_has_as_many_tokens_as_the_words_that_it_starts_from(
    part: type[CoOpPrompt], count: int
) -> None:
    with pytest.raises(ConfigError, match=rf"tokens is {count}, but 'a photo of a' has 4 .*tokens=4.*random"):
        part(part.Config(context_tokens=count), StandInBackbone())
    prompt = part(part.Config(context_tokens=count, initialise="random"), StandInBackbone())
    assert prompt.vectors.shape == (count, 8)


def test_coop_ignores_the_image(image: ImageFeatures) -> None:
    prompt = CoOpPrompt(LearnedContextOptions(), StandInBackbone())
    audio = AudioFeatures(torch.randn(1, 1, 8).expand(3, -1, -1))
    first, *others = prompt(audio, image).embeddings
    assert all(torch.equal(first, other) for other in others)


def test_cocoop_adds_one_shift_an_image_to_every_vector(image: ImageFeatures) -> None:
    prompt = CoCoOpPrompt(CoCoOpOptions(context_tokens=3, words="a photo of", reduction=2), StandInBackbone())
    shift = prompt.context(image) - prompt.vectors  # (B, M, E)
    torch.testing.assert_close(shift[:, 0], shift[:, 2], atol=1e-6, rtol=1e-5)
    assert not torch.allclose(shift[0, 0], shift[1, 0])
    first, _, last = prompt.meta_net
    expected = last(F.relu(first(F.normalize(image.pooled, dim=-1))))
    torch.testing.assert_close(shift[:, 1], expected, atol=1e-6, rtol=1e-5)


def test_cocoop_sees_the_direction_of_an_image_and_not_its_length(image: ImageFeatures) -> None:
    prompt = CoCoOpPrompt(CoCoOpOptions(), StandInBackbone())
    longer = replace(image, pooled=14.7 * image.pooled)
    torch.testing.assert_close(prompt.context(longer), prompt.context(image))


def test_cocoop_has_the_papers_bottleneck() -> None:
    class Wide(StandInBackbone):
        joint_width, text_width = 512, 512

    prompt = CoCoOpPrompt(CoCoOpOptions(), Wide())
    sizes = [tuple(p.shape) for p in prompt.meta_net.parameters()]
    assert sizes == [(32, 512), (32,), (512, 32), (512,)]
