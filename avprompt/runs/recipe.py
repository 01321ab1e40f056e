"""What a run was made with beside the parts that its method is about: how two runs are told apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from avprompt.config.tables import ENCODERS, TRAINING_KINDS, Table, merge, parse_override
from avprompt.config.training_options import TrainingOptions
from avprompt.runs.directory import RunDirectory
from avprompt.runs.results import RunResult
from avprompt.runs.settings import Settings

DATA = ("train_list", "shards")
_IDLE = ("workers", "checkpoint")  # how fast, and where files are: nothing of what is computed

_CALLBACKS = "training.callbacks"  # one option: a run with a callback differs from one without it
_NAMED = tuple(f"training.{option}" for option in TRAINING_KINDS)


@dataclass(frozen=True)
class Recipe:
    """Encoders, training options and training data of a run.

    Attributes:
        options: by name, as `--set` or a command takes them, such as `training.steps`.
        asked: those that the user asked for when the run was made; the others are its method's own.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    asked: Mapping[str, Any] = field(default_factory=dict)


def read_recipe(folder: Path, result: RunResult) -> Recipe:
    """Read the recipe of a finished run from its `config.yaml`.

    A run that trained nothing has no training; results without a `config.yaml`, as `avprompt score` leaves
    them, have encoders only.

    Raises:
        DataError: the file is damaged or of another avprompt.
    """
    directory = RunDirectory(folder)
    if not directory.config.is_file():
        return Recipe({"encoders": result.encoders})
    return recipe_of(directory.tables(), directory.recorded(), result)


def recipe_of(tables: Table, run: Settings, result: RunResult) -> Recipe:
    """Return the recipe of a run, finished or not yet begun.

    Args:
        tables: what its `config.yaml` holds.
        run: the settings in there.
        result: names its encoders, and says whether it trains anything.
    """
    encoders = {"encoders": result.encoders}
    unsaid = {option: TrainingOptions.model_fields[option].default for option in TRAINING_KINDS}
    training = unsaid | {"callbacks": {}} | tables.get("training", {})  # as older runs mean it
    tables = tables | {"training": training}
    trained = result.trainable_parameters > 0
    data = {name: getattr(run.training, name) for name in DATA} if trained else {}
    compute = {"precision": run.compute.precision}
    parts = (*ENCODERS, "training") if trained else ENCODERS
    options = dict(_options({part: tables.get(part, {}) for part in parts}))
    if options.get("training.steps") is not None:
        del options["training.epochs"]  # steps take their place
    return Recipe(encoders | options | data | compute, _asked(run) | data | compute)


def _asked(run: Settings) -> Table:
    """Return the options that were given beside the method."""
    asked: Table = {}
    for override in (*run.overrides, *run.training.overrides()):
        asked = merge(asked, parse_override(override))
    return dict(_options(asked))


def _options(tables: Table, where: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the options of nested tables by dotted name; the bare name of a part is its option `name`."""
    for name, value in tables.items():
        path = f"{where}{name}"
        if name in _IDLE:
            continue
        if path in _NAMED and isinstance(value, str):
            value = {"name": value}
        if isinstance(value, Mapping) and path != _CALLBACKS:
            yield from _options(dict(value), f"{path}.")
        else:
            yield path, value
