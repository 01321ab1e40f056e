"""What a run was made with beside the parts that its method is about: how two runs are told apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from avprompt.config.tables import ENCODERS, Table, parse_override
from avprompt.runs.directory import RunDirectory
from avprompt.runs.results import RunResult
from avprompt.runs.settings import Settings

DATA = ("train_list", "shards")
_IDLE = ("workers", "checkpoint")  # how fast, and where files are: nothing of what is computed


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
    encoders = {"encoders": result.encoders}
    if not directory.config.is_file():
        return Recipe(encoders)
    tables, run = directory.tables(), directory.recorded()
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
        asked |= dict(_options(parse_override(override)))
    return asked


def _options(tables: Table, where: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the options of nested tables by dotted name."""
    for name, value in tables.items():
        if name in _IDLE:
            continue
        if isinstance(value, Mapping):
            yield from _options(dict(value), f"{where}{name}.")
        else:
            yield f"{where}{name}", value
