"""The check of whole methods catches what the checks of parts do not see, each by its own message."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avprompt.errors import ConfigError, UnknownNameError
from avprompt.plugin import (
    AlignmentLoss,
    Backbone,
    ContextPrompt,
    Decoder,
    Grounding,
    ImageFeatures,
    LearnedContextOptions,
    Masker,
    initial_context,
)
from avprompt.plugin.discovery import load_plugins
from avprompt.registry import Registry
from avprompt.testing import StandInMasker, check_encoder_set, check_method


class Words(ContextPrompt):
    """A prompt generator that keeps all promises."""

    Config = LearnedContextOptions

    def __init__(self, config: LearnedContextOptions, backbone: Backbone) -> None:
        super().__init__(config, backbone)
        self.words = nn.Parameter(initial_context(config, backbone))

    def context(self, image: ImageFeatures) -> Tensor:
        return self.words[None]


class Similar(Decoder):
    """A decoder that keeps all promises."""

    def __init__(self, config: Any, backbone: Backbone) -> None:
        super().__init__(config)
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, image: ImageFeatures, text: Tensor, *, pairs: bool = False) -> Tensor:
        dense, text = F.normalize(image.dense, dim=1), F.normalize(text, dim=-1)
        if not pairs:
            return self.scale * torch.einsum("bdhw,bd->bhw", dense, text)
        return self.scale * torch.einsum("bdhw,bad->bahw", dense, text.expand(len(image), -1, -1))


def check(kind: str, part: type, *overrides: str) -> None:
    """Check SouPLe with a part of a plugin's in place of its own."""
    registry = load_plugins().registry
    registry.add(kind, "theirs", part, "theirs")
    table = "losses.theirs.weight=1" if kind == "losses" else f"{kind.removesuffix('s')}.name=theirs"
    check_method("souple", registry, (table, *overrides))


def test_what_keeps_all_promises() -> None:
    check("prompts", Words)
    check("decoders", Similar)


class TestPrompt:
    def test_that_hooks_the_backbone(self) -> None:
        class Hooking(Words):
            def __init__(self, config: LearnedContextOptions, backbone: Backbone) -> None:
                super().__init__(config, backbone)
                tower = next(backbone.children())
                tower.register_forward_hook(lambda module, arguments, output: output)

        with pytest.raises(AssertionError, match=r"\.image' is hooked, but a frozen encoder works without"):
            check("prompts", Hooking)

    def test_with_a_parameter_that_is_never_used(self) -> None:
        class Idle(Words):
            def __init__(self, config: LearnedContextOptions, backbone: Backbone) -> None:
                super().__init__(config, backbone)
                self.forgotten = nn.Parameter(torch.zeros(3))

        with pytest.raises(
            AssertionError, match=r"prompt generator 'theirs' never trains 'forgotten': no loss"
        ):
            check("prompts", Idle)

    def test_that_writes_into_a_buffer_of_the_backbone(self) -> None:
        class Writing(Words):
            def __init__(self, config: LearnedContextOptions, backbone: Backbone) -> None:
                super().__init__(config, backbone)
                self.projections = [backbone.get_buffer("project")]

            def context(self, image: ImageFeatures) -> Tensor:
                self.projections[0].mul_(0.9)
                return self.words[None]

        with pytest.raises(
            AssertionError, match=r"'backbone.project' has changed, but the backbone 'stand-in'"
        ):
            check("prompts", Writing)

    def test_that_makes_a_parameter_when_it_is_used(self) -> None:
        class Late(Words):
            def context(self, image: ImageFeatures) -> Tensor:
                if not hasattr(self, "late"):
                    self.late = nn.Parameter(torch.zeros(()))
                return self.words[None] + self.late

        with pytest.raises(
            AssertionError, match=r"'prompt.late' has a gradient, but training does not move it"
        ):
            check("prompts", Late)

    def test_that_draws_with_another_generator(self) -> None:
        class Drawing(Words):
            def context(self, image: ImageFeatures) -> Tensor:
                return self.words[None] * random.random()

        with pytest.raises(AssertionError, match=r"same steps must give the same numbers, but the losses"):
            check("prompts", Drawing)

    def test_with_two_factors_that_start_at_zero(self) -> None:
        class Stuck(Words):
            def __init__(self, config: LearnedContextOptions, backbone: Backbone) -> None:
                super().__init__(config, backbone)
                self.left, self.right = (nn.Parameter(torch.zeros(())) for _ in range(2))

            def context(self, image: ImageFeatures) -> Tensor:
                return self.words[None] + self.left * self.right

        with pytest.raises(
            AssertionError, match=r"'prompt.left, prompt.right' never moves: its gradient is 0"
        ):
            check("prompts", Stuck)

    def test_that_starts_a_layer_at_zero_is_no_fault(self) -> None:
        class Starting(Words):
            def __init__(self, config: LearnedContextOptions, backbone: Backbone) -> None:
                super().__init__(config, backbone)
                self.down = nn.Linear(backbone.joint_width, 2)
                self.up = nn.Linear(2, backbone.text_width)
                nn.init.zeros_(self.up.weight)
                nn.init.zeros_(self.up.bias)

            def context(self, image: ImageFeatures) -> Tensor:
                return self.words + self.up(self.down(image.pooled))[:, None]

        check("prompts", Starting)


class TestDecoder:
    def test_that_cuts_gradients(self) -> None:
        class Cutting(Similar):
            def forward(self, image: ImageFeatures, text: Tensor, *, pairs: bool = False) -> Tensor:
                return super().forward(image, text.detach(), pairs=pairs)

        message = (
            r"the decoder 'theirs' cuts gradients from mask logits to the text feature.* Look for detach"
        )
        with pytest.raises(AssertionError, match=message):
            check("decoders", Cutting)

    def test_that_gives_no_gradient_to_anything(self) -> None:
        class Cutting(Similar):
            def forward(self, image: ImageFeatures, text: Tensor, *, pairs: bool = False) -> Tensor:
                return super().forward(image, text, pairs=pairs).detach()

        area = ("losses.feature-contrastive=null", "losses.image-contrastive=null", "masker.trained=false")
        with pytest.raises(
            AssertionError, match=r"no loss of the method depends on what is trained: .* 'theirs'"
        ):
            check("decoders", Cutting, *area)

    def test_that_returns_no_numbers(self) -> None:
        class Dividing(Similar):
            def forward(self, image: ImageFeatures, text: Tensor, *, pairs: bool = False) -> Tensor:
                return super().forward(image, text, pairs=pairs) / 0

        with pytest.raises(AssertionError, match=r"losses and gradients must be finite: "):
            check("decoders", Dividing)

    def test_that_returns_a_wrong_shape(self) -> None:
        class Flat(Similar):
            def forward(self, image: ImageFeatures, text: Tensor, *, pairs: bool = False) -> Tensor:
                return super().forward(image, text, pairs=pairs).mean((-2, -1))

        with pytest.raises(AssertionError, match=r"The decoder Flat in test_methods.py breaks a promise"):
            check("decoders", Flat)


def test_a_masker_whose_heatmaps_are_logits() -> None:
    class Bare(StandInMasker):
        def __init__(self, config: Any) -> None:
            super().__init__()
            self.config = config

        def heatmap(self, logits: Tensor, size: tuple[int, int]) -> Tensor:
            return super().heatmap(logits, size) * 3

    assert issubclass(Bare, Masker)
    with pytest.raises(AssertionError, match=r"heatmaps must lie in 0\.\.1, not in "):
        check("maskers", Bare)


def test_a_loss_with_a_scale_that_it_does_not_use() -> None:
    class Scaled(AlignmentLoss):
        def __init__(self, config: Any) -> None:
            super().__init__(config)
            self.scale = nn.Parameter(torch.ones(()))

        def forward(self, grounding: Grounding) -> Tensor:
            return grounding.areas[0]

    with pytest.raises(AssertionError, match=r"the loss 'theirs' trains nothing: no loss depends on its"):
        check("losses", Scaled)


UNTRAINED: Sequence[str] = ("projection", "prompt", "decoder", "masker")


def test_a_method_with_nothing_to_train_is_evaluated(registry: Registry) -> None:
    frozen = [f"{part}.trained=false" for part in UNTRAINED]
    check_method("souple", registry, frozen)


def test_an_unknown_method_or_option(registry: Registry) -> None:
    with pytest.raises(UnknownNameError, match=r"There is no method 'suple'. Did you mean 'souple'\?"):
        check_method("suple", registry)
    with pytest.raises(ConfigError, match=r"prompt has no option 'tokens'"):
        check_method("souple", registry, ["prompt.tokens=3"])


def test_the_callers_random_numbers_are_left_alone(registry: Registry) -> None:
    state = torch.get_rng_state()
    check_method("coop", registry)
    assert torch.equal(torch.get_rng_state(), state)


def test_an_encoder_set_with_one_encoder() -> None:
    registry = load_plugins().registry
    registry.add("encoder_sets", "half", "backbone: {name: mini-clip}\n", "theirs")
    with pytest.raises(
        AssertionError, match=r"'half' must name both encoders: audio_encoder.name is missing"
    ):
        check_encoder_set("half", registry)
