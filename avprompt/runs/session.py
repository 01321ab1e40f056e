"""A method on a benchmark, ready to be trained or evaluated: what every command begins with."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
import yaml
from accelerate import Accelerator

from avprompt.config.method_config import PART_KINDS, MethodConfig, encoder_set, resolve
from avprompt.config.options import options
from avprompt.data.benchmark import BenchmarkAdapter
from avprompt.data.inputs import InputSpec
from avprompt.data.shards import read_shards
from avprompt.data.streaming import is_stream, stream_split
from avprompt.distributed import Ranks, make_accelerator, ranks
from avprompt.errors import ConfigError, DataError, WeightsError
from avprompt.features.encoding import Encoding, open_encoding
from avprompt.metrics.protocol import Protocol
from avprompt.model.build import build, compile_kernels
from avprompt.model.method import Method
from avprompt.model.parts import Decoder
from avprompt.plugin.discovery import Loaded
from avprompt.records import Split
from avprompt.runs.results import CHECKPOINT_FILE, CONFIG_FILE
from avprompt.weights.checkpoint import checkpoint_formats, load_checkpoint

TRAINING_SETTINGS = ("epochs", "steps", "batch_size", "workers", "negatives", "accumulate")
"""Settings that change a training option of the method."""


@dataclass(frozen=True)
class Settings:
    """What the user chose beside the method; see `avprompt run --help`."""

    dataset: str = "toy"
    data_root: Path | None = None
    encoders: str | None = None
    overrides: tuple[str, ...] = ()
    plugins: tuple[str, ...] = ()
    seed: int = 0
    epochs: int | None = None
    steps: int | None = None
    batch_size: int | None = None
    device: str = "auto"
    precision: str = "no"
    strict: bool = False
    splits: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    save_predictions: bool = False
    shards: str | None = None
    train_list: str | None = None
    negatives: str | None = None
    accumulate: int | None = None
    compile: bool = False
    pictures: int = 12
    workers: int | None = None
    cache: str | None = None
    cache_size: float = 50.0

    def recorded(self) -> dict[str, Any]:
        """Return what a run directory keeps of the settings, ready for YAML."""
        kept = asdict(self)
        kept["data_root"] = str(self.data_root.resolve()) if self.data_root else None
        if self.shards and not is_stream(self.shards):
            kept["shards"] = str(Path(self.shards).resolve())
        kept["plugins"] = [str(Path(file).resolve()) for file in self.plugins]
        return {key: list(value) if isinstance(value, tuple) else value for key, value in kept.items()}


@dataclass
class Session:
    """An open session.

    Attributes:
        loaded: plugins and the registry.
        settings: the user's choices.
        method_config: the method, resolved.
        adapter: the benchmark.
        method: the composition at work, on the accelerator's device.
        accelerator: device and precision.
        checkpoint: where trained parts came from, if they were read.
        checksums: SHA-256 of every weight file that was read.
    """

    loaded: Loaded
    settings: Settings
    method_config: MethodConfig
    adapter: BenchmarkAdapter
    method: Method
    accelerator: Accelerator
    checkpoint: Path | None = None
    checksums: dict[str, str] = field(default_factory=dict)

    @property
    def spec(self) -> InputSpec:
        """How the method takes this benchmark's inputs."""
        backbone = self.method.backbone
        rate = self.method.audio_encoder.sample_rate
        return InputSpec(backbone.image_size, backbone.mean, backbone.std, rate, self.adapter.audio_seconds)

    @property
    def ranks(self) -> Ranks:
        """The processes that share the work."""
        return ranks()

    @cached_property
    def encoding(self) -> Encoding:
        """The method's frozen encoders, behind the caches that were asked for."""
        chosen = self.settings
        return open_encoding(self.method, chosen.cache, chosen.cache_size, chosen.precision)

    @property
    def encoders(self) -> str:
        """The encoder set's name, marked when an option of the encoders was changed."""
        name = self.settings.encoders or self.adapter.encoders
        plain = encoder_set(self.loaded.registry, name)
        same = all(getattr(self.method_config, part) == table for part, table in plain.items())
        return name if same else f"{name}, changed"

    def protocols(self) -> list[Protocol]:
        """Return the protocols of the benchmark, the headline first."""
        return [self.loaded.registry.load("protocols", name)() for name in self.adapter.protocols]

    def training_split(self) -> Split:
        """Return what to train on: the benchmark's own split, or the shards that were packed from it."""
        shards = self.settings.shards
        if shards is not None:
            training = self.method_config.training
            return stream_split(shards, training) if is_stream(shards) else read_shards(Path(shards))
        return self.adapter.split(self.settings.train_list or self.adapter.train_split)

    def scored_splits(self) -> tuple[str, ...]:
        """Return the names of the splits to score: those chosen, or all of the benchmark."""
        return self.settings.splits or self.adapter.test_splits

    def pretrained_decoder(self) -> Decoder | None:
        """Return the decoder as it was before training, or None when it has no pretrained weights."""
        table = dict(self.method_config.decoder)
        kind, name = PART_KINDS["decoder"], table.pop("name")
        config = options(self.loaded.registry, kind, name, table, "decoder")
        decoder: Decoder = self.loaded.registry.load(kind, name)(config, self.method.backbone)
        if not decoder.load_weights(self.method.backbone):
            return None
        return decoder.to(self.accelerator.device).eval().requires_grad_(False)


def open_adapter(loaded: Loaded, dataset: str, root: Path | None) -> BenchmarkAdapter:
    """Return the benchmark of that name over its folder; see `BenchmarkAdapter` for the errors."""
    adapter: BenchmarkAdapter = loaded.registry.load("datasets", dataset)(root)
    return adapter


def open_session(
    loaded: Loaded, method: str, settings: Settings, checkpoint: Path | None = None, *, trained: bool = False
) -> Session:
    """Resolve, check and build everything; nothing is written.

    Args:
        loaded: plugins.
        method: a registered method, or a YAML file.
        settings: the user's choices.
        checkpoint: trained parts to read.
        trained: the method must not be used untrained.

    Raises:
        AvpromptError: whatever does not fit together.
    """
    adapter = open_adapter(loaded, settings.dataset, settings.data_root)
    training = {name: getattr(settings, name) for name in TRAINING_SETTINGS}
    if settings.epochs is not None and settings.steps is not None:
        raise ConfigError("--epochs and --steps contradict each other; give one of them.")
    overrides = (*settings.overrides, *(["training.steps=null"] if settings.epochs is not None else []))
    encoders = settings.encoders or adapter.encoders
    method_config = resolve(loaded.registry, method, encoders, overrides, training)
    accelerator = make_accelerator(settings.device, settings.precision)
    torch.manual_seed(settings.seed)
    built = build(method_config, loaded.registry)
    if checkpoint is not None:
        load_checkpoint(built, checkpoint, checkpoint_formats(loaded.registry))
    elif trained and built.trainable_parameters():
        raise WeightsError(
            f"'{method_config.name}' has trained parts: give --checkpoint FILE or a finished run's folder, "
            f"or train it with `avprompt run {method} --dataset {settings.dataset}`."
        )
    built.to(accelerator.device)
    if settings.compile:
        compile_kernels(built)
    return Session(loaded, settings, method_config, adapter, built, accelerator, checkpoint, built.checksums)


def is_run(target: str) -> bool:
    """Say whether a command's argument is a run directory rather than a method."""
    return Path(target).is_dir()


def run_parts(folder: Path) -> tuple[str, Path | None, dict[str, Any]]:
    """Return method file, checkpoint and recorded settings of a run directory.

    There is no checkpoint where nothing was trained.

    Raises:
        DataError: not a run directory.
    """
    config, checkpoint = folder / CONFIG_FILE, folder / CHECKPOINT_FILE
    if not config.is_file():
        raise DataError(f"'{folder}' is not a run: there is no {config.name} in it.")
    recorded: dict[str, Any] = (yaml.safe_load(config.read_text()) or {}).get("run") or {}
    return str(config), checkpoint if checkpoint.is_file() else None, recorded


def recorded_settings(recorded: dict[str, Any], chosen: dict[str, Any]) -> dict[str, Any]:
    """Return settings for a finished run: the recorded ones, under what the user gives now.

    The recorded overrides are part of the run's config.yaml already; the data root only holds for the
    recorded dataset.
    """
    unset = (None, (), "auto", "no")
    given = {key: value for key, value in chosen.items() if value is not False and value not in unset}
    kept = {key: recorded.get(key) for key in ("dataset", "data_root", "encoders", "seed", "plugins")}
    if given.get("dataset") not in (None, kept["dataset"]):
        kept["data_root"] = None
    kept["data_root"] = Path(kept["data_root"]) if kept["data_root"] else None
    kept["plugins"] = tuple(kept["plugins"] or ())
    return {**chosen, **kept, **given}
