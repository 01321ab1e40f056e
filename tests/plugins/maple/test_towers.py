"""MaPLe's tokens in real towers: gradients, groups of images, precision, places to read at."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from avprompt.plugin import AudioFeatures, Backbone, Prompt
from avprompt_maple.prompt import MaPLePrompt


class Features(nn.Module):
    """All that a method is given of a prompt's tokens: text features, pooled, dense and hidden."""

    def __init__(self, prompt: MaPLePrompt, backbone: Backbone) -> None:
        super().__init__()
        self.prompt, self.backbone = prompt, backbone

    def forward(self, pixels: Tensor, sound: Tensor) -> tuple[Tensor, ...]:
        visual = self.prompt.visual()
        image = self.backbone.encode_image(pixels, visual)
        text = self.backbone.encode_prompt(self.prompt(AudioFeatures(sound), image))
        return text, image.pooled, image.dense, self.backbone.pool_image(pixels, visual), *image.hidden


@pytest.fixture
def clips(backbone: Backbone) -> tuple[Tensor, Tensor]:
    """Pixels and audio tokens of three clips."""
    draw, side = torch.Generator().manual_seed(2), backbone.image_size
    return torch.randn(3, 3, side, side, generator=draw), torch.randn(
        3, 1, backbone.text_width, generator=draw
    )


def test_gradients_of_every_token_and_map_are_those_of_finite_differences(
    backbone: Backbone, prompt: MaPLePrompt, clips: tuple[Tensor, Tensor]
) -> None:
    features = Features(prompt, backbone).double()
    inputs = [part[:1].double() for part in clips]
    for place in range(4):  # text, pooled, dense, and pooled alone

        def value(place: int = place) -> Tensor:
            return features(*inputs)[place].sin().sum()

        gradients = torch.autograd.grad(value(), list(prompt.parameters()), allow_unused=True)
        for (name, parameter), gradient in zip(prompt.named_parameters(), gradients, strict=True):
            if place == 0 and name.startswith("coupling"):
                assert gradient is None, "text does not see the image's tokens"
                continue
            assert gradient is not None, name
            assert gradient.any(), name
            expected = slope(value, parameter, direction := torch.randn_like(parameter))
            torch.testing.assert_close((gradient * direction).sum(), expected, atol=1e-7, rtol=1e-5, msg=name)


@torch.no_grad()
def slope(value: Callable[[], Tensor], parameter: Tensor, direction: Tensor, step: float = 1e-6) -> Tensor:
    """Return how fast a value grows along a direction, by central differences."""
    parameter += step * direction
    after = value()
    parameter -= 2 * step * direction
    before = value()
    parameter += step * direction
    return (after - before) / (2 * step)


@torch.no_grad()
def test_a_batch_in_groups_is_the_batch_in_one(
    backbone: Backbone, prompt: MaPLePrompt, clips: tuple[Tensor, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    together = Features(prompt, backbone)(*clips)
    monkeypatch.setattr("avprompt.model.chunks.BUFFER", 1)
    for whole, grouped in zip(together, Features(prompt, backbone)(*clips), strict=True):
        torch.testing.assert_close(grouped, whole, atol=1e-5, rtol=1e-4)


def test_in_bf16_everything_still_trains(
    backbone: Backbone, prompt: MaPLePrompt, clips: tuple[Tensor, Tensor]
) -> None:
    features = Features(prompt, backbone)
    exact = features(*clips)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = features(*clips)
    for whole, half in zip(exact, rounded, strict=True):
        similarity = torch.cosine_similarity(whole.flatten(1), half.float().flatten(1))
        assert similarity.min() > 0.99
    sum(output.float().square().mean() for output in rounded).backward()
    for name, parameter in prompt.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name


@torch.no_grad()
def test_places_of_each_row_are_those_of_rows_alone(
    backbone: Backbone, prompt: MaPLePrompt, clips: tuple[Tensor, Tensor]
) -> None:
    made = prompt(AudioFeatures(clips[1]), backbone.encode_image(clips[0]))
    places = torch.tensor([4, 3, 0])
    each = backbone.encode_prompt(Prompt(made.embeddings, places, made.deep_text))
    for row, place in enumerate(places.tolist()):
        cut = made.embeddings[
            [row], : max(place, 2) + 1
        ]  # who comes later is not seen, but by tokens 1 and 2
        alone = backbone.encode_prompt(Prompt(cut, place, made.deep_text))
        torch.testing.assert_close(each[row], alone[0], atol=1e-5, rtol=1e-4)
