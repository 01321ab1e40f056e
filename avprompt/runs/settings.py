"""What a user chooses beside the method: `RunOptions` as it is given, `Settings` as a run keeps it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypedDict

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from avprompt.config.options import Options, validate
from avprompt.config.tables import Table
from avprompt.errors import ConfigError, suggest

# What changes no number of a run, by table of its config.yaml.
_FREE = {"run": ("strict", "track"), "evaluation": ("pictures", "clips"), "compute": ("device", "workers")}


class RunOptions(TypedDict, total=False):
    """Everything that `avprompt run` takes beside the method; what is left out keeps its default.

    Attributes:
        data_root: the benchmark's folder.
        encoders: encoder set; None takes the benchmark's own. `compare` takes a list of several, too.
        overrides: `part.option=value`, changes of the method; `--set` of the commands.
        plugins: plugin files; `--plugin`.
        seed: of initialisation, order, augmentation, noise and altered sounds, 0 to 2**32 - 1.
        strict: stop at the first sample that cannot be read.
        epochs: passes over the training split; not together with `steps`.
        steps: exactly so many training steps.
        batch_size: clips of a batch, at least 2, which is a step unless `accumulate` is given too.
        accumulate: batches whose gradients make one step.
        negatives: contrast clips with those of all processes, or of their own only.
        train_list: a split, or a file of ids, to train on instead of the benchmark's own.
        shards: a folder of packed clips, or a pattern of tars to stream, to train from.
        splits: what is scored; empty takes all test splits of the benchmark; `--split`.
        protocols: what to score by, the headline first; empty takes those of the benchmark; `--protocol`.
        by: what the headline score is broken down by.
        save_predictions: keep all heatmaps.
        pictures: clips in the gallery; 12 unless given.
        clips: ids of the clips in the gallery, instead of so many spread evenly; `--clips`.
        device: `auto` takes a GPU where there is one.
        precision: of encoders and decoder; `no` is float32.
        compile: encoders and decoder by torch.compile.
        workers: processes that read data, for each that computes; None takes what the device needs.
        cache: features of frozen encoders to keep on disk.
        cache_size: what they may take, in gigabytes; 50 unless given.
        track: where losses and scores are sent while the run goes on; nowhere unless given.
    """

    data_root: str | Path | None
    encoders: str | Sequence[str] | None
    overrides: Sequence[str]
    plugins: Sequence[str | Path]
    seed: int
    strict: bool
    epochs: int | None
    steps: int | None
    batch_size: int | None
    accumulate: int | None
    negatives: Literal["global", "local"] | None
    train_list: str | None
    shards: str | None
    splits: Sequence[str]
    protocols: Sequence[str]
    by: Sequence[Literal["size", "class", "sources"]]
    save_predictions: bool
    pictures: int
    clips: Sequence[str]
    device: Literal["auto", "cpu", "cuda"]
    precision: Literal["no", "bf16", "fp16"]
    compile: bool
    workers: int | None
    cache: Literal["audio", "images", "all"] | None
    cache_size: float
    track: Literal["tensorboard", "wandb", "mlflow", "trackio"] | None


class Group(Options):
    """A group of settings, each explained in `RunOptions`. An empty text is no choice, and refused."""

    @field_validator("*", mode="before")
    @classmethod
    def _no_empty_text(cls, value: Any) -> Any:
        items = value if isinstance(value, list | tuple) else (value,)
        if any(isinstance(item, str) and not item for item in items):
            raise PydanticCustomError("empty", "Input should not be empty; leave the option out")
        return value


class TrainingSettings(Group):
    """What is changed in a method's training, and what it is trained on."""

    epochs: int | None = Field(default=None, ge=1)
    steps: int | None = Field(default=None, ge=1)
    batch_size: int | None = Field(default=None, ge=2)
    accumulate: int | None = Field(default=None, ge=1)
    negatives: Literal["global", "local"] | None = None
    train_list: str | None = None
    shards: str | None = None

    def overrides(self) -> tuple[str, ...]:
        """Return the changes of the method's training, as `--set` takes them.

        Raises:
            ConfigError: both epochs and steps are given.
        """
        given = self.model_dump(exclude={"train_list", "shards"}, exclude_none=True)
        if {"epochs", "steps"} <= given.keys():
            raise ConfigError(
                "--epochs and --steps contradict each other (epochs= and steps= in Python); give one of them."
            )
        if "epochs" in given:
            given["steps"] = "null"
        if "batch_size" in given:
            given.setdefault("accumulate", 1)  # methods side by side take equally many clips in a step
        return tuple(f"training.{name}={value}" for name, value in given.items())


class EvaluationSettings(Group):
    """What is scored, and what is kept of it."""

    splits: tuple[str, ...] = ()
    protocols: tuple[str, ...] = ()
    by: tuple[Literal["size", "class", "sources"], ...] = ()
    save_predictions: bool = False
    pictures: int = Field(default=12, ge=0)
    clips: tuple[str, ...] = ()


class ComputeSettings(Group):
    """Where and how it is computed; none of this changes what is computed."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["no", "bf16", "fp16"] = "no"
    compile: bool = False
    workers: int | None = Field(default=None, ge=0)
    cache: Literal["audio", "images", "all"] | None = None
    cache_size: float = Field(default=50.0, gt=0)


class Settings(Group):
    """All that is chosen beside the method: a registered benchmark, its `dataset`, and the groups."""

    dataset: str = "toy"
    data_root: Path | None = None
    encoders: str | None = None
    overrides: tuple[str, ...] = ()
    plugins: tuple[str, ...] = ()
    seed: int = Field(default=0, ge=0, lt=2**32)
    strict: bool = False
    track: Literal["tensorboard", "wandb", "mlflow", "trackio"] | None = None
    training: TrainingSettings = TrainingSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    compute: ComputeSettings = ComputeSettings()

    @field_validator("plugins", mode="before")
    @classmethod
    def _paths_as_text(cls, plugins: Any) -> Any:
        if not isinstance(plugins, list | tuple):
            return plugins
        return tuple(str(file) if isinstance(file, Path) else file for file in plugins)

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Settings:
        """Sort options, such as `RunOptions` with a dataset, into their groups, and check them.

        Raises:
            ConfigError: no such option, with the nearest that there is, or a value that does not fit.
        """
        tables: dict[str, Any] = {}
        for name, value in options.items():
            group = _group_of(name)
            table = tables if group is None else tables.setdefault(group, {})
            table[name] = value
        settings: Settings = validate(cls, tables, "settings")
        return settings

    def recorded(self) -> dict[str, Any]:
        """Return what a run directory keeps, ready for YAML; paths hold from any folder."""
        from avprompt.data.streaming import is_stream  # needs torch, which checking options does not

        kept = self.model_dump(mode="json")
        kept["data_root"] = str(self.data_root.resolve()) if self.data_root else None
        kept["plugins"] = [str(Path(file).resolve()) for file in self.plugins]
        shards = self.training.shards
        if shards and not is_stream(shards):
            kept["training"]["shards"] = str(Path(shards).resolve())
        return kept


GROUPS: Mapping[str, type[Options]] = {
    "training": TrainingSettings,
    "evaluation": EvaluationSettings,
    "compute": ComputeSettings,
}


def without_free(run: Table) -> Table:
    """Return recorded settings without what changes no number."""
    free = {name for names in _FREE.values() for name in names}
    return {
        name: without_free(value) if name in _FREE else value
        for name, value in run.items()
        if name not in free
    }


def _group_of(name: str) -> str | None:
    """Return the group that an option belongs to; None where it is one of `Settings` itself."""
    if name in Settings.model_fields and name not in GROUPS:
        return None
    for group, model in GROUPS.items():
        if name in model.model_fields:
            return group
    known = {*Settings.model_fields, *(field for model in GROUPS.values() for field in model.model_fields)}
    raise ConfigError(f"There is no option '{name}'. {suggest(name, known - GROUPS.keys())}")
