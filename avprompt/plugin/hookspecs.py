"""The hooks of a plugin: one for each kind of part.

A plugin is a module (or package) with some of these functions, marked `@avprompt.plugin.hookimpl`, and an
entry point in the group `avprompt`. `register(name, target)` takes the part itself or, so that
listing parts never imports torch, where it is: `"module:attribute"`. Of methods, encoder sets and sweeps it
takes the YAML itself or, again, where that is: `"package:file.yaml"`, or in a plugin that is a single file
the path of another file beside it, `"file.yaml"`.
"""

from __future__ import annotations

from typing import Protocol

import pluggy

hookspec = pluggy.HookspecMarker("avprompt")
hookimpl = pluggy.HookimplMarker("avprompt")


class Register(Protocol):
    """The function that a hook is handed."""

    def __call__(self, name: str, target: object) -> None:
        """Register `target` (an object, YAML text, or where it is) under `name`."""


@hookspec
def register_backbones(register: Register) -> None:
    """Register frozen vision-language models: `avprompt.plugin.Backbone`."""


@hookspec
def register_audio_encoders(register: Register) -> None:
    """Register frozen audio encoders: `avprompt.plugin.AudioEncoder`."""


@hookspec
def register_projections(register: Register) -> None:
    """Register maps from audio frames to audio tokens: `avprompt.plugin.AudioProjection`."""


@hookspec
def register_prompts(register: Register) -> None:
    """Register prompt generators: `avprompt.plugin.PromptGenerator`."""


@hookspec
def register_decoders(register: Register) -> None:
    """Register mask decoders: `avprompt.plugin.Decoder`."""


@hookspec
def register_maskers(register: Register) -> None:
    """Register what makes masks of mask logits: `avprompt.plugin.Masker`."""


@hookspec
def register_losses(register: Register) -> None:
    """Register alignment losses: `avprompt.plugin.AlignmentLoss`."""


@hookspec
def register_schedules(register: Register) -> None:
    """Register schedules of the learning rate: `avprompt.plugin.Schedule`."""


@hookspec
def register_optimizers(register: Register) -> None:
    """Register what makes torch optimizers: `avprompt.plugin.Optimizer`."""


@hookspec
def register_callbacks(register: Register) -> None:
    """Register what looks on while a method is trained: `avprompt.plugin.Callback`."""


@hookspec
def register_datasets(register: Register) -> None:
    """Register benchmarks: `avprompt.plugin.BenchmarkAdapter`."""


@hookspec
def register_protocols(register: Register) -> None:
    """Register ways to score: `avprompt.plugin.Protocol`."""


@hookspec
def register_checkpoint_formats(register: Register) -> None:
    """Register others' checkpoint formats: `avprompt.plugin.CheckpointFormat`."""


@hookspec
def register_weights(register: Register) -> None:
    """Register published weights, `avprompt.plugin.WeightFile`, under the name that options use."""


@hookspec
def register_encoder_sets(register: Register) -> None:
    """Register encoder sets, YAML that names two encoders, and what changes every method with them."""


@hookspec
def register_methods(register: Register) -> None:
    """Register methods, YAML that names one part of each kind and its options, or a base."""


@hookspec
def register_sweeps(register: Register) -> None:
    """Register sweeps, YAML that names methods, datasets, seeds and factors."""
