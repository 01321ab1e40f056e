"""A method on a benchmark, ready to be trained or evaluated: what every command begins with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from accelerate import Accelerator

from avprompt.config.method_config import MethodConfig, encoder_set, resolve
from avprompt.config.tables import dump
from avprompt.data.benchmark import BenchmarkAdapter
from avprompt.data.inputs import InputSpec
from avprompt.data.shards import read_shards
from avprompt.data.streaming import is_stream, stream_split
from avprompt.distributed import Ranks, make_accelerator, ranks
from avprompt.errors import LOG, WeightsError
from avprompt.features.encoding import Encoding, check_cache, open_encoding
from avprompt.metrics.protocol import Protocol
from avprompt.model.build import build, build_part, compile_kernels
from avprompt.model.method import Method
from avprompt.model.parts import Decoder
from avprompt.plugin.discovery import Loaded
from avprompt.records import Split
from avprompt.registry import Registry
from avprompt.runs.settings import Settings
from avprompt.runs.tracking import check_tracker
from avprompt.weights.checkpoint import checkpoint_formats, load_checkpoint


@dataclass(frozen=True)
class OpenMethod:
    """A method with its weights on its device.

    Attributes:
        loaded: plugins and the registry.
        settings: the user's choices.
        method_config: the method as data, resolved.
        method: the same at work.
        accelerator: device and precision.
        checkpoint: where trained parts came from, if they were read.
    """

    loaded: Loaded
    settings: Settings
    method_config: MethodConfig
    method: Method
    accelerator: Accelerator
    checkpoint: Path | None

    def input_spec(self, seconds: float) -> InputSpec:
        """Return how the method takes an image and so many seconds of sound."""
        backbone, audio = self.method.backbone, self.method.audio_encoder
        size, mean, std = backbone.image_size, backbone.mean, backbone.std
        return InputSpec(size, mean, std, audio.sample_rate, seconds, pad=not audio.pads_short_sounds)


@dataclass(frozen=True)
class Session(OpenMethod):
    """An open method on a benchmark, its `adapter`."""

    adapter: BenchmarkAdapter

    @property
    def spec(self) -> InputSpec:
        """How the method takes this benchmark's inputs."""
        return self.input_spec(self.adapter.audio_seconds)

    @property
    def ranks(self) -> Ranks:
        """The processes that share the work."""
        return ranks()

    @cached_property
    def encoding(self) -> Encoding:
        """The method's frozen encoders, with the stored features that were asked for."""
        compute = self.settings.compute
        return open_encoding(self.method, compute.cache, compute.cache_size, compute.precision)

    @property
    def encoders(self) -> str:
        """The encoder set's name, marked when an option of the encoders was changed."""
        name = self.settings.encoders or self.adapter.encoders
        return shown_encoders(self.loaded.registry, name, self.method_config)

    def config_text(self) -> str:
        """Return what `config.yaml` says: the resolved method with the settings; it runs as a method."""
        return config_text(self.method_config, self.settings)

    def protocols(self) -> list[Protocol]:
        """Return the protocols that were asked for, or those of the benchmark, the headline first."""
        names = self.settings.evaluation.protocols or self.adapter.protocols
        return [self.loaded.registry.load("protocols", name)() for name in dict.fromkeys(names)]

    def training_split(self) -> Split:
        """Return what to train on: the benchmark's own split, or the shards that were packed from it."""
        shards = self.settings.training.shards
        if shards is not None:
            training = self.method_config.training
            return stream_split(shards, training) if is_stream(shards) else read_shards(Path(shards))
        return self.adapter.split(self.settings.training.train_list or self.adapter.train_split)

    def scored_splits(self) -> tuple[str, ...]:
        """Return the names of the splits to score: those asked for, or all of the benchmark."""
        return self.settings.evaluation.splits or self.adapter.test_splits

    def pretrained_decoder(self) -> Decoder | None:
        """Return the decoder as it was before training, or None when it has no pretrained weights."""
        table = dict(self.method_config.decoder)
        name, context = table.pop("name"), self.method.backbone
        decoder: Decoder = build_part(self.loaded.registry, "decoders", name, table, "decoder", context)
        if not decoder.load_weights(self.method.backbone):
            return None
        return decoder.to(self.accelerator.device).eval().requires_grad_(False)


def shown_encoders(registry: Registry, name: str, config: MethodConfig) -> str:
    """Return the name of an encoder set, marked when a method changes an option of the encoders."""
    plain = encoder_set(registry, name)
    same = all(getattr(config, part) == table for part, table in plain.items())
    return name if same else f"{name}, changed"


def config_text(config: MethodConfig, settings: Settings) -> str:
    """Return a resolved method with its settings, as `config.yaml` has them."""
    return config.to_yaml() + dump({"run": settings.recorded()})


def open_adapter(loaded: Loaded, dataset: str, root: Path | None) -> BenchmarkAdapter:
    """Return the benchmark of that name over its folder; see `BenchmarkAdapter` for the errors."""
    adapter: BenchmarkAdapter = loaded.registry.load("datasets", dataset)(root)
    return adapter


def open_session(
    loaded: Loaded, method: str, settings: Settings, checkpoint: Path | None = None, *, trained: bool = False
) -> Session:
    """Open a method on a benchmark; nothing is written.

    Args:
        loaded: plugins.
        method: a registered method, or a YAML file.
        settings: the user's choices.
        checkpoint: trained parts to read.
        trained: the method must not be used untrained.

    Raises:
        AvpromptError: whatever does not fit together.
    """
    check_tracker(settings.track)
    encoders = settings.encoders or loaded.registry.load("datasets", settings.dataset).encoders
    resolve_method(
        loaded, method, settings, encoders, trained=trained
    )  # a wrong option is told before data is opened
    adapter = open_adapter(loaded, settings.dataset, settings.data_root)
    train = f", or train it with `avprompt run {method} --dataset {settings.dataset}`"
    settings = settings.model_copy(update={"encoders": encoders})  # recorded: trained parts belong to them
    opened = open_method(loaded, method, settings, encoders, checkpoint, instead=train if trained else None)
    check_cache(opened.method, settings.compute.cache)
    return Session(**vars(opened), adapter=adapter)


def open_method(
    loaded: Loaded,
    method: str,
    settings: Settings,
    encoders: str,
    checkpoint: Path | None = None,
    *,
    instead: str | None = "",
) -> OpenMethod:
    """Resolve, check and build a method, and read its weights.

    Args:
        loaded: plugins.
        method: a registered method, or a YAML file.
        settings: the user's choices.
        encoders: encoder set.
        checkpoint: trained parts to read.
        instead: where trained parts are missing, what else the user may do; None lets them be missing.

    Raises:
        ConfigError: the method does not fit together.
        WeightsError: weights are missing or do not fit.
    """
    config = resolve_method(loaded, method, settings, encoders, trained=instead is not None)
    if checkpoint is None and instead is not None:
        _check_untrained(config, loaded.registry, instead)
    accelerator = make_accelerator(settings.compute.device, settings.compute.precision)
    torch.manual_seed(settings.seed)  # random parts that stay frozen are in no checkpoint
    built = build(config, loaded.registry)
    LOG.info("method %s, %s encoders, on %s", config.name, encoders, accelerator.device)
    if checkpoint is not None:
        LOG.info("trained parts %s", checkpoint)
        load_checkpoint(built, checkpoint, checkpoint_formats(loaded.registry))
    built.to(accelerator.device)
    if settings.compute.compile:
        compile_kernels(built)
    return OpenMethod(loaded, settings, config, built, accelerator, checkpoint)


def _check_untrained(config: MethodConfig, registry: Registry, instead: str) -> None:
    """Make sure that nothing of a method is trained, before any weights are asked for."""
    with torch.device("meta"):  # the architecture, without memory
        architecture = build(config, registry, weights=False)
    if architecture.trainable_parameters():
        raise WeightsError(
            f"'{config.name}' has trained parts: give --checkpoint FILE or a finished run's folder{instead}. "
            "In Python: checkpoint=FILE."
        )


def resolve_method(
    loaded: Loaded, method: str, settings: Settings, encoders: str, *, trained: bool
) -> MethodConfig:
    """Resolve a method under the user's choices; what was trained keeps the training that it had."""
    training = () if trained else settings.training.overrides()
    overrides = (*settings.overrides, *training, *_workers(settings))
    return resolve(loaded.registry, method, encoders, overrides)


def _workers(settings: Settings) -> tuple[str, ...]:
    workers = settings.compute.workers
    return () if workers is None else (f"training.workers={workers}",)
