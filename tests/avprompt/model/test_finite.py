"""Weights are searched for what is no number, wherever they come from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from avprompt.config.method_config import resolve
from avprompt.errors import WeightsError
from avprompt.model.build import build
from avprompt.model.finite import check_weights, not_finite
from avprompt.model.parts import Backbone, Decoder
from avprompt.registry import Registry
from tinyworld.encoders import TinyClip, TinyEar

NAN, INFINITY = float("nan"), float("inf")


@pytest.mark.parametrize("number", [NAN, INFINITY, -INFINITY])
def test_a_parameter_holds_numbers(number: float) -> None:
    part = nn.Linear(2, 2)
    assert not_finite(part, part.state_dict()) == []
    part.bias.data[1] = number
    assert not_finite(part, part.state_dict()) == ["bias"]


def test_a_tied_parameter_holds_numbers_under_both_names() -> None:
    part = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    part[1].bias = part[0].bias
    state = part.state_dict() | {"1.bias": torch.tensor([0, INFINITY])}
    assert not_finite(part, state) == ["1.bias"]


def test_a_buffer_may_hold_the_infinities_of_a_mask() -> None:
    part = nn.BatchNorm1d(2)  # has a buffer of whole numbers, too
    part.register_buffer("mask", torch.full((3, 3), -INFINITY).triu(1))
    assert not_finite(part, part.state_dict()) == []
    part.get_buffer("running_mean")[0] = NAN
    assert not_finite(part, part.state_dict()) == ["running_mean"]


def test_the_message_names_tensors_and_files() -> None:
    part = nn.Sequential(*(nn.Linear(1, 1) for _ in range(3)))
    nn.init.constant_(part[0].weight, NAN)
    with pytest.raises(
        WeightsError, match=r"weights of the ear \(from a\.pt\) hold NaN .* in 0\.weight\. Get"
    ):
        check_weights(part, "ear", {"a.pt": "1"})
    for parameter in part.parameters():
        nn.init.constant_(parameter, NAN)
    with pytest.raises(WeightsError, match=r"ear hold NaN .* in 0\.weight, 0\.bias, 1\.weight and 3 more\."):
        check_weights(part, "ear", [])


def spoil_backbone(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(TinyClip, "load_weights", _spoiling(TinyClip.load_weights))


def spoil_audio_encoder(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(TinyEar, "load_weights", _spoiling(TinyEar.load_weights))


def _spoiling(load: Callable[[Any], dict[str, str]]) -> Callable[[Any], dict[str, str]]:
    def load_weights(part: nn.Module) -> dict[str, str]:
        files = load(part)
        next(part.parameters()).data.view(-1)[3] = NAN
        return files

    return load_weights


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (spoil_backbone, r"backbone 'tiny-clip' \(from tiny-clip\) hold NaN or infinity in look\."),
        (
            spoil_audio_encoder,
            r"audio_encoder 'tiny-ear' \(from tiny-ear\) hold NaN or infinity in tones\.",
        ),
    ],
)
def test_no_method_is_built_of_them(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, spoil: Any, message: str
) -> None:
    spoil(monkeypatch)
    config = resolve(registry, "souple", "tiny")
    build(config, registry, weights=False)
    with pytest.raises(WeightsError, match=message):
        build(config, registry)


def test_nor_of_a_decoder_with_them(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    config = resolve(registry, "souple", "tiny")
    decoder: type[Decoder] = registry.load("decoders", config.decoder["name"])

    def load_weights(part: nn.Module, backbone: Backbone) -> bool:
        next(part.parameters()).data.fill_(NAN)
        return True

    monkeypatch.setattr(decoder, "load_weights", load_weights)
    with pytest.raises(WeightsError, match=r"weights of the decoder 'clipseg' hold NaN"):
        build(config, registry)
