"""A class that is not what its kind promises is refused in words: which, what is missing, what to write."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from pydantic import BaseModel
from torch import Tensor

from avprompt.config.method_config import resolve
from avprompt.config.options import PromptOptions
from avprompt.data.benchmark import BenchmarkAdapter
from avprompt.errors import PluginError
from avprompt.metrics.protocol import Protocol
from avprompt.model.build import build
from avprompt.model.context_prompt import ContextPrompt
from avprompt.model.parts import AudioEncoder, Decoder, Masker
from avprompt.plugin.discovery import load_plugins
from avprompt.promises import INTERFACES, describe
from avprompt.records import ImageFeatures, Prompt, Split
from avprompt.registry import KINDS, Registry
from avprompt.testing import StandInBackbone


class Good(ContextPrompt):
    def context(self, image: ImageFeatures) -> Tensor:
        return image.pooled[:, None]


class Bare:
    """Has all methods, but is no part."""

    Config = PromptOptions


class Unwritten(ContextPrompt):
    pass


class Deaf(Good):
    def forward(self, image: ImageFeatures) -> Prompt:  # type: ignore[override]
        return super().forward(image.pooled, image)


class Renamed(Good):
    """Names of its own for arguments given by position are fine."""

    def forward(self, sounds: Tensor, pictures: ImageFeatures) -> Prompt:
        return super().forward(sounds, pictures)


def load(kind: str, part: object) -> Any:
    registry = Registry()
    registry.add(kind, "mine", part, "mine.py")
    return registry.load(kind, "mine")


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (
            Bare,
            r"must be a class that derives from PromptGenerator, not .*Write `from avprompt.plugin import",
        ),
        (Good.forward, r"must be a class that derives from PromptGenerator, not <function"),
        (torch.nn.Linear, r"must be a class that derives from PromptGenerator"),
        (
            Unwritten,
            r"has no method 'context'. Write in Unwritten in .*: def context\(self, image\)",
        ),
        (
            Deaf,
            r"cannot be called as it will be: forward\(self, image\)\. .*\(self, audio, image",
        ),
    ],
)
def test_a_class_that_breaks_a_promise(part: object, message: str) -> None:
    with pytest.raises(PluginError, match=r"The prompt generator 'mine' of plugin 'mine.py' .*" + message):
        load("prompts", part)


def test_a_decoder_must_take_pairs() -> None:
    class Single(Decoder):
        def forward(self, image: ImageFeatures, text: Tensor) -> Tensor:  # type: ignore[override]
            return text

    with pytest.raises(PluginError, match=r"def forward\(self, image, text, \*, pairs=False\)"):
        load("decoders", Single)


def test_good_classes() -> None:
    assert load("prompts", Good) is Good
    assert load("prompts", Renamed) is Renamed


class Static(StandInBackbone):
    @staticmethod
    def embed_text(text: str) -> Tensor:
        return torch.zeros(len(text.split()), StandInBackbone.text_width)


class OfTheClass(StandInBackbone):
    @classmethod
    def embed_text(cls, text: str) -> Tensor:
        return torch.zeros(len(text.split()), cls.text_width)


class OfNothing(StandInBackbone):
    @staticmethod
    def embed_text() -> Tensor:  # type: ignore[override]
        return torch.zeros(1, StandInBackbone.text_width)


def test_a_method_may_do_without_self() -> None:
    assert load("backbones", Static) is Static
    assert load("backbones", OfTheClass) is OfTheClass
    with pytest.raises(PluginError, match=r"embed_text\(\)\. Write in .*: def embed_text\(self, text\)"):
        load("backbones", OfNothing)


def test_all_methods_that_are_missing_are_named() -> None:
    class Idle(Masker):
        pass

    message = r"no method 'feature' or 'hard' or 'heatmap'\. .*: def feature.*; def hard.*; def heatmap\("
    with pytest.raises(PluginError, match=message):
        load("maskers", Idle)


def test_another_class_with_the_name_of_an_interface_is_no_interface() -> None:
    masker = type("Masker", (), {})()
    assert describe(masker) == "The part Masker in test_promises.py"


def test_a_protocol_and_a_benchmark_say_what_they_are() -> None:
    class Unnamed(Protocol):
        summary, headline = "a rule", "hit"
        measure = summarise = sample_iou = lambda self, *maps: {}  # type: ignore[assignment]

    class Untitled(BenchmarkAdapter):
        citation = licence = source = "none"

        def split(self, name: str) -> Split:
            return Split([], 0)

    with pytest.raises(PluginError, match=r"protocol 'mine' .* says no 'name'. Write in Unnamed .*name = "):
        load("protocols", Unnamed)
    with pytest.raises(PluginError, match=r"The dataset 'mine' .* says no 'title'"):
        load("datasets", Untitled)


def test_every_kind_of_part_has_an_interface() -> None:
    assert KINDS.keys() - INTERFACES.keys() == {"methods", "encoder_sets", "sweeps", "weights"}


class Plain(BaseModel):
    depth: int = 2


@pytest.mark.parametrize("config", [dict, None, PromptOptions(), Plain])
def test_a_config_that_is_no_table_of_options(config: Any) -> None:
    class Unwise(Good):
        Config = config

    message = (
        r"The prompt generator 'mine' of plugin 'mine.py' has a Config that is no table of options: .*"
        r"Write `class MyOptions\(PromptOptions\)`"
    )
    with pytest.raises(PluginError, match=message):
        build_with("prompts", "prompt", Unwise)


def build_with(kind: str, table: str, part: object) -> Any:
    registry = load_plugins().registry
    registry.add(kind, "mine", part, "mine.py")
    return build(resolve(registry, "souple", "tiny", [f"{table}.name=mine"]), registry)


class TestBuilding:
    def test_of_other_arguments(self) -> None:
        class Lonely(Good):
            def __init__(self, config: PromptOptions) -> None:
                super().__init__(config, None)  # type: ignore[arg-type]

        message = r"__init__\(self, config\) does not take the 2 .*def __init__\(self, config, backbone\)"
        with pytest.raises(PluginError, match=message):
            build_with("prompts", "prompt", Lonely)

    def test_without_the_base_class(self) -> None:
        class Forgetful(Good):
            def __init__(self, config: PromptOptions, backbone: Any) -> None:
                torch.nn.Module.__init__(self)

        with pytest.raises(PluginError, match=r"Forgetful in .* has no 'config'. .* call super\(\).__init__"):
            build_with("prompts", "prompt", Forgetful)

    def test_of_an_encoder_that_does_not_say_its_width(self) -> None:
        class Wide(AudioEncoder):
            sample_rate = 100

            def forward(self, waveform: Tensor) -> Tensor:
                return waveform

        with pytest.raises(PluginError, match=r"The audio encoder Wide in test_promises.py has no 'width'"):
            build_with("audio_encoders", "audio_encoder", Wide)
