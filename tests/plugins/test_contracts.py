"""Every registered part keeps the promises of its interface; encoders have tests of their own."""

from __future__ import annotations

import pytest

from avprompt.config.options import options
from avprompt.plugin.discovery import load_plugins
from avprompt.registry import Registry
from avprompt.testing import (
    StandInAudioEncoder,
    StandInBackbone,
    check_decoder,
    check_loss,
    check_masker,
    check_optimizer,
    check_projection,
    check_prompt_generator,
    check_schedule,
)

REGISTRY = load_plugins().registry


@pytest.mark.parametrize("audio_tokens", [1, 2])
@pytest.mark.parametrize("order", ["last", "first", 1, "all"])
@pytest.mark.parametrize("name", REGISTRY.names("prompts"))
def test_prompt_generators(registry: Registry, name: str, order: str | int, audio_tokens: int) -> None:
    config = options(registry, "prompts", name, {"audio_token": order}, "prompt")
    backbone = StandInBackbone()
    prompt = registry.load("prompts", name)(config, backbone)
    if prompt.prompted_text_layers > 1 and order != "last":
        pytest.skip("tokens of the inner layers take the places behind <sos>")
    check_prompt_generator(prompt, backbone, audio_tokens)


@pytest.mark.parametrize("name", REGISTRY.names("projections"))
def test_projections(registry: Registry, name: str) -> None:
    config = options(registry, "projections", name, {}, "projection")
    check_projection(registry.load("projections", name)(config, StandInAudioEncoder(), StandInBackbone()))


@pytest.mark.parametrize("name", REGISTRY.names("decoders"))
def test_decoders(registry: Registry, name: str) -> None:
    config = options(registry, "decoders", name, {}, "decoder")
    backbone = StandInBackbone()
    check_decoder(registry.load("decoders", name)(config, backbone), backbone)


@pytest.mark.parametrize("name", REGISTRY.names("maskers"))
def test_maskers(registry: Registry, name: str) -> None:
    check_masker(registry.load("maskers", name)(options(registry, "maskers", name, {}, "masker")))


@pytest.mark.parametrize("name", REGISTRY.names("losses"))
def test_losses(registry: Registry, name: str) -> None:
    check_loss(registry.load("losses", name)(options(registry, "losses", name, {}, "loss")))


@pytest.mark.parametrize("name", REGISTRY.names("schedules"))
def test_schedules(registry: Registry, name: str) -> None:
    check_schedule(registry.load("schedules", name)(options(registry, "schedules", name, {}, "schedule")))


@pytest.mark.parametrize("name", REGISTRY.names("optimizers"))
def test_optimizers(registry: Registry, name: str) -> None:
    check_optimizer(registry.load("optimizers", name)(options(registry, "optimizers", name, {}, "optimizer")))
