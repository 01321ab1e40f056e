"""Registered parts, each built with its default options on stand-ins and given to the check of its kind.

The project's own tests and `avprompt plugins check` both go through here, so that neither asks less than the
other.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch

from avprompt.errors import ConfigError, WeightsError
from avprompt.model.build import build, build_part
from avprompt.model.method import Method
from avprompt.registry import KINDS, Registry
from avprompt.testing.benchmarks import check_benchmark
from avprompt.testing.checkpoints import check_checkpoint_format
from avprompt.testing.encoders import check_audio_encoder, check_backbone
from avprompt.testing.methods import check_encoder_set, check_method
from avprompt.testing.parts import (
    check_decoder,
    check_loss,
    check_masker,
    check_projection,
    check_prompt_generator,
)
from avprompt.testing.protocols import check_protocol
from avprompt.testing.rehearsal import on_stand_ins, with_stand_ins
from avprompt.testing.standins import StandInAudioEncoder, StandInBackbone
from avprompt.testing.sweeps import check_sweep
from avprompt.testing.training import check_callback, check_optimizer, check_schedule
from avprompt.testing.weights import check_weight_file
from avprompt.weights.checkpoint import trained_state
from avprompt.weights.download import downloading_nothing

AUDIO_TOKEN = ("last", "first", 1, "all")
"""Where prompt generators are asked to put the audio tokens."""


class CannotCheckError(Exception):
    """A part cannot be checked as it is registered; the message says why, and what to do instead."""


def check_registered(registry: Registry, kind: str, name: str) -> None:
    """Build a registered part with its default options on stand-ins, and check it.

    Raises:
        AssertionError: it breaks a promise of its interface.
        AvpromptError: it cannot be loaded, or what it says does not fit.
        CannotCheckError: it needs something that is not here.
    """
    with torch.random.fork_rng(devices=[]), downloading_nothing():
        torch.manual_seed(0)
        CHECKS[kind](registry, name)


def _build(
    registry: Registry, kind: str, name: str, *context: Any, table: Mapping[str, Any] = MappingProxyType({})
) -> Any:
    try:
        return build_part(registry, kind, name, table, f"{KINDS[kind]} '{name}'", *context)
    except (ConfigError, WeightsError) as error:
        raise CannotCheckError(
            f"It cannot be built with its default options on stand-ins. {error} Check it in a test of yours, "
            "with options that fit."
        ) from error


def _with_weights(registry: Registry, kind: str, name: str) -> Any:
    encoder = _build(registry, kind, name)
    try:
        encoder.load_weights()
    except WeightsError as error:
        raise CannotCheckError(f"Its weights are not read, and a check downloads none. {error}") from error
    return encoder


def _backbone(registry: Registry, name: str) -> None:
    check_backbone(_with_weights(registry, "backbones", name))


def _audio_encoder(registry: Registry, name: str) -> None:
    check_audio_encoder(_with_weights(registry, "audio_encoders", name))


def _projection(registry: Registry, name: str) -> None:
    check_projection(_build(registry, "projections", name, StandInAudioEncoder(), StandInBackbone()))


def _prompt_generator(registry: Registry, name: str) -> None:
    backbone = StandInBackbone()
    deep = _build(registry, "prompts", name, backbone).prompted_text_layers > 1
    places = ("last",) if deep else AUDIO_TOKEN  # inner layers take the places behind <sos>
    for place, audio_tokens in itertools.product(places, (1, 2)):
        prompt = _build(registry, "prompts", name, backbone, table={"audio_token": place})
        check_prompt_generator(prompt, backbone, audio_tokens)


def _decoder(registry: Registry, name: str) -> None:
    backbone = StandInBackbone()
    check_decoder(_build(registry, "decoders", name, backbone), backbone)


def _masker(registry: Registry, name: str) -> None:
    check_masker(_build(registry, "maskers", name))


def _loss(registry: Registry, name: str) -> None:
    check_loss(_build(registry, "losses", name))


def _schedule(registry: Registry, name: str) -> None:
    check_schedule(_build(registry, "schedules", name))


def _optimizer(registry: Registry, name: str) -> None:
    check_optimizer(_build(registry, "optimizers", name))


def _callback(registry: Registry, name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        first, again = (_build(registry, "callbacks", name) for _ in range(2))
        check_callback(first, again, Path(folder))


def _benchmark(registry: Registry, name: str) -> None:
    benchmark = registry.load("datasets", name)
    if benchmark.needs_root:
        raise CannotCheckError(
            "It needs its folder. Call check_benchmark in a test of yours, on a small folder in its layout."
        )
    check_benchmark(benchmark())


def _protocol(registry: Registry, name: str) -> None:
    protocol = registry.load("protocols", name)()
    check_protocol(protocol)
    assert protocol.name == name, f"it calls itself '{protocol.name}', but is registered as '{name}'"


def _checkpoint_format(registry: Registry, name: str) -> None:
    other = registry.load("checkpoint_formats", name)()
    method = _build_method(registry, other.method)
    with tempfile.TemporaryDirectory() as folder:
        check_checkpoint_format(other, Path(folder, "theirs"), trained_state(method))


def _weight_file(registry: Registry, name: str) -> None:
    check_weight_file(registry.load("weights", name))


def _sweep(registry: Registry, name: str) -> None:
    check_sweep(name, registry)


def _encoder_set(registry: Registry, name: str) -> None:
    check_encoder_set(name, registry)


def _method(registry: Registry, name: str) -> None:
    _build_method(registry, name)
    check_method(name, registry)


def _build_method(registry: Registry, name: str) -> Method:
    extended = with_stand_ins(registry)
    config = on_stand_ins(extended, name)  # what the file says must fit; what the stand-ins lack is no fault
    try:
        return build(config, extended)
    except ConfigError as error:
        raise CannotCheckError(
            f"It cannot be built on stand-ins. {error} Call check_method in a test of "
            "yours, with overrides that fit."
        ) from error


CHECKS: Mapping[str, Callable[[Registry, str], None]] = MappingProxyType(
    {
        "methods": _method,
        "datasets": _benchmark,
        "encoder_sets": _encoder_set,
        "backbones": _backbone,
        "audio_encoders": _audio_encoder,
        "projections": _projection,
        "prompts": _prompt_generator,
        "decoders": _decoder,
        "maskers": _masker,
        "losses": _loss,
        "schedules": _schedule,
        "optimizers": _optimizer,
        "callbacks": _callback,
        "protocols": _protocol,
        "checkpoint_formats": _checkpoint_format,
        "weights": _weight_file,
        "sweeps": _sweep,
    }
)
