"""Options checked against the part that they are for."""

from __future__ import annotations

import pytest
from torch import Tensor

from avprompt.config.method_config import resolve
from avprompt.config.options import SHARED_OPTIONS, LossOptions, Options, options
from avprompt.errors import ConfigError, PluginError
from avprompt.model.grounding import Grounding
from avprompt.model.parts import (
    AlignmentLoss,
    AudioEncoder,
    AudioProjection,
    Backbone,
    Decoder,
    Masker,
)
from avprompt.model.prompt_generator import PromptGenerator
from avprompt.registry import KINDS, Registry
from avprompt.training.callback import Callback
from avprompt.training.parts import Optimizer, Schedule


class Sized(Options):
    size: int = 3


class Ear(AudioEncoder):
    Config = Sized

    def forward(self, waveform: Tensor) -> Tensor:
        return waveform


class Named(Options):
    name: str = "its own"


class Selfish(Ear):
    Config = Named


class Parted(LossOptions):
    part: str = "its own"


class SelfishLoss(AlignmentLoss):
    Config = Parted

    def forward(self, grounding: Grounding) -> Tensor:
        return grounding.areas.sum()


@pytest.fixture
def ears() -> Registry:
    registry = Registry()
    registry.add("audio_encoders", "ear", Ear, "them")
    registry.add("audio_encoders", "selfish", Selfish, "them")
    registry.add("losses", "selfish", SelfishLoss, "them")
    return registry


def test_defaults_and_values(ears: Registry) -> None:
    assert options(ears, "audio_encoders", "ear", {}, "audio_encoder") == Sized(size=3)
    assert options(ears, "audio_encoders", "ear", {"size": 4}, "audio_encoder") == Sized(size=4)


@pytest.mark.parametrize(
    ("table", "message"),
    [({"sise": 4}, r"audio_encoder.*sise.*'size'"), ({"size": "big"}, r"audio_encoder\.size")],
)
def test_mistakes_are_named(ears: Registry, table: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        options(ears, "audio_encoders", "ear", table, "audio_encoder")


def test_no_option_may_be_called_name(ears: Registry) -> None:
    with pytest.raises(
        PluginError, match=r"audio encoder 'selfish' has an option 'name', but audio_encoder\.name"
    ):
        options(ears, "audio_encoders", "selfish", {}, "audio_encoder")


def test_no_option_of_a_loss_may_be_called_part(ears: Registry) -> None:
    with pytest.raises(PluginError, match=r"loss 'selfish' has an option 'part', but losses\.mine\.part"):
        options(ears, "losses", "selfish", {}, "losses.mine")


@pytest.mark.parametrize(
    "kind",
    [
        "backbones",
        "audio_encoders",
        "projections",
        "prompts",
        "decoders",
        "maskers",
        "losses",
        "schedules",
        "optimizers",
        "callbacks",
    ],
)
def test_ours_are_not(registry: Registry, kind: str) -> None:
    for name in registry.names(kind):
        options(registry, kind, name, {}, KINDS[kind])


def test_shared_options_are_those_of_the_interfaces(registry: Registry) -> None:
    interfaces = {
        "backbones": Backbone,
        "audio_encoders": AudioEncoder,
        "projections": AudioProjection,
        "prompts": PromptGenerator,
        "decoders": Decoder,
        "maskers": Masker,
        "losses": AlignmentLoss,
        "schedules": Schedule,
        "optimizers": Optimizer,
        "callbacks": Callback,
    }
    assert {kind: interface.Config for kind, interface in interfaces.items()} == SHARED_OPTIONS
    for kind, shared in SHARED_OPTIONS.items():
        assert all(issubclass(registry.load(kind, name).Config, shared) for name in registry.names(kind))


def test_every_encoder_can_be_chosen_by_its_name(registry: Registry) -> None:
    chosen = ("backbone.name=open_clip", "backbone.model=ViT-L-14-quickgelu", "audio_encoder.name=clap")
    method_config = resolve(registry, "souple", "published", chosen)
    assert method_config.backbone["name"] == "open_clip"
    assert method_config.backbone["model"] == "ViT-L-14-quickgelu"
    assert method_config.audio_encoder["name"] == "clap"
