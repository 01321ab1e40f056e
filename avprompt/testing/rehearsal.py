"""A whole method on stand-in encoders: built, and trained for a few steps by the training code itself."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from avprompt.config.method_config import MethodConfig, resolve
from avprompt.config.options import Options
from avprompt.data.inputs import InputSpec, Sound
from avprompt.distributed import ALONE, make_accelerator
from avprompt.features.encoding import Encoding
from avprompt.model.build import build
from avprompt.model.method import Method
from avprompt.records import ImageFeatures, Prediction
from avprompt.registry import Registry
from avprompt.testing.standins import StandInAudioEncoder, StandInBackbone
from avprompt.training.batches import ClipBatch
from avprompt.training.build import build_optimizer, build_schedule
from avprompt.training.optimisation import Optimisation
from avprompt.training.state import Progress
from avprompt.training.step import TrainingStep

STAND_IN = "stand-in"
STEPS = 3
"""A layer that starts at 0 lets nothing through to those before it until the step after."""
CLIPS, SECONDS = 4, 2.0


class RegisteredBackbone(StandInBackbone):
    """The stand-in, built as registered parts are, with towers as deep as CLIP's."""

    prompted_image_layers = prompted_text_layers = 12

    def __init__(self, config: Options) -> None:
        super().__init__()
        del config

    def encode_image(self, pixels: Tensor, visual: Sequence[Tensor] = ()) -> ImageFeatures:
        """Return the last states as extract layers."""
        features = super().encode_image(pixels, visual)
        return replace(features, hidden=features.hidden[-self.layers :])


class RegisteredAudioEncoder(StandInAudioEncoder):
    """The stand-in, built as registered parts are."""

    def __init__(self, config: Options) -> None:
        super().__init__()
        del config


@dataclass(frozen=True)
class Rehearsal:
    """A method after a few training steps.

    Attributes:
        method: as the steps left it.
        before: its parameters and buffers before the first step, by name.
        losses: of each step, by name.
        reached: names of the parameters that some step had a gradient for, be it 0.
        pushed: names of those whose gradient was not 0.
    """

    method: Method
    before: dict[str, Tensor]
    losses: list[dict[str, float]]
    reached: frozenset[str]
    pushed: frozenset[str]

    @property
    def trained(self) -> frozenset[str]:
        """The names of the parameters that should train."""
        named = self.method.named_parameters()
        return frozenset(name for name, parameter in named if parameter.requires_grad)

    @property
    def after(self) -> dict[str, Tensor]:
        """Its parameters and buffers now, by name."""
        return tensors(self.method)


def with_stand_ins(registry: Registry) -> Registry:
    """Return a registry that has the stand-in encoders too, and an encoder set that names them."""
    extended = Registry()
    for entry in registry.entries():
        extended.add(entry.kind, entry.name, entry.target, entry.owner)
    extended.add("backbones", STAND_IN, RegisteredBackbone, "avprompt")
    extended.add("audio_encoders", STAND_IN, RegisteredAudioEncoder, "avprompt")
    extended.add("encoder_sets", STAND_IN, "avprompt.testing:stand_in.yaml", "avprompt")
    return extended


def on_stand_ins(registry: Registry, method: str, overrides: Iterable[str] = ()) -> MethodConfig:
    """Resolve a method with the stand-ins in place of its encoders, also of those that it names itself.

    Args:
        registry: that `with_stand_ins` has made.
        method: a registered method or a YAML file.
        overrides: `part.option=value`.
    """
    encoders = [f"{part}.name={STAND_IN}" for part in ("backbone", "audio_encoder")]
    return resolve(registry, method, STAND_IN, (*encoders, *overrides))


def rehearse(config: MethodConfig, registry: Registry, seed: int = 0) -> Rehearsal:
    """Build a method and take a few training steps on random clips; one seed gives the same numbers.

    Raises:
        NotFiniteError: a loss or gradient is not a number.
        RuntimeError: no gradient reaches the method, which is what torch says of that.
    """
    torch.manual_seed(seed)
    method = build(config, registry).train()
    before = tensors(method)
    losses: list[dict[str, float]] = []
    gradients: dict[str, bool] = {}
    if method.trained_parts():
        with tempfile.TemporaryDirectory() as folder:
            step, progress = _training_step(method, config, registry, Path(folder)), Progress()
            for number in range(STEPS):
                losses.append(step(progress, [random_clips(method, STEPS * seed + number)]).losses)
                for name, parameter in method.named_parameters():
                    if parameter.grad is not None:
                        gradients[name] = gradients.get(name, False) or bool(parameter.grad.any())
    pushed = frozenset(name for name, pushed in gradients.items() if pushed)
    return Rehearsal(method, before, losses, frozenset(gradients), pushed)


def localise(method: Method) -> Prediction:
    """Return what a method says of random clips when it is evaluated."""
    clips = random_clips(method, 0)
    assert clips.pixels is not None
    waveforms = [sound.waveform for sound in clips.sounds if sound.waveform is not None]
    with torch.no_grad():
        image = method.eval().encode_image(input_spec(method).normalise(clips.pixels))
        audio = method.listen(method.encode_audio(torch.stack(waveforms)))
        return method.locate(image, method.read(audio, image), (24, 32))


def random_clips(method: Method, number: int) -> ClipBatch:
    """Return a batch of random pictures and sounds, as readers make them."""
    spec, draw = input_spec(method), torch.Generator().manual_seed(number)
    side, length = spec.image_size, round(spec.rate * spec.seconds)
    corners = torch.randint(0, 256, (CLIPS, 3, 2, 2), generator=draw, dtype=torch.uint8)
    pixels = corners.repeat_interleave(side // 2, 2).repeat_interleave(side // 2, 3)
    sounds = tuple(Sound(torch.rand(length, generator=draw) - 0.5) for _ in range(CLIPS))
    return ClipBatch(tuple(f"clip {index}" for index in range(CLIPS)), pixels, (), sounds, ())


def input_spec(method: Method) -> InputSpec:
    """Return how a method on stand-ins takes its inputs."""
    backbone, audio_encoder = method.backbone, method.audio_encoder
    return InputSpec(
        backbone.image_size, backbone.mean, backbone.std, audio_encoder.sample_rate, seconds=SECONDS
    )


def tensors(method: Method) -> dict[str, Tensor]:
    """Return copies of all parameters and buffers of a method, by name."""
    named = (*method.named_parameters(), *method.named_buffers())
    return {name: tensor.detach().clone() for name, tensor in named}


def _training_step(method: Method, config: MethodConfig, registry: Registry, folder: Path) -> TrainingStep:
    options, accelerator = config.training, make_accelerator("cpu", "no")
    schedule, optimizer = build_schedule(registry, options), build_optimizer(registry, options)
    optimisation = Optimisation.of(method, options, schedule, optimizer, STEPS, accelerator, ALONE)
    return TrainingStep(
        input_spec(method), Encoding(method), optimisation, seed=0, ranks=ALONE, folder=folder
    )
