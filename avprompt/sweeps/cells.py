"""The cells of a sweep: each is one run, with its options, its folder and the command that makes it."""

from __future__ import annotations

import itertools
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from avprompt.errors import ConfigError
from avprompt.runs.directory import RunDirectory
from avprompt.runs.settings import Settings
from avprompt.sweeps.sweep import Sweep, option_of

_FLAGS = {"overrides": "--set", "plugins": "--plugin", "splits": "--split", "protocols": "--protocol"}
_BY_SWEEP = ("dataset", "seed", "overrides")


@dataclass(frozen=True, eq=False)
class Cell:
    """One run of a sweep.

    Attributes:
        method: a registered method, or a YAML file.
        levels: the level of each factor, by the factor's name.
        options: what `avprompt.run` takes beside the method, with dataset, seed and overrides.
        folder: the run directory.
    """

    method: str
    levels: Mapping[str, str]
    options: Mapping[str, Any]
    folder: Path

    @cached_property
    def settings(self) -> Settings:
        """The options, checked."""
        return Settings.of(self.options)

    @property
    def dataset(self) -> str:
        """The benchmark."""
        return self.settings.dataset

    @property
    def seed(self) -> int:
        """Of the run."""
        return self.settings.seed

    @property
    def name(self) -> str:
        """What the screen calls it."""
        return f"{self.dataset} {self.method} {levels_text(self.levels)} seed {self.seed}".replace("  ", " ")

    @property
    def begun(self) -> bool:
        """Whether there is a run in its folder, finished or not."""
        return RunDirectory(self.folder).config.is_file()

    @property
    def arguments(self) -> list[str]:
        """What follows `avprompt` in the command that makes, or goes on with, this very run directory."""
        arguments = ["run", self.method]
        for name, value in self.options.items():
            if value is True:
                arguments.append(flag(name))
            elif isinstance(value, list | tuple):
                arguments += [text for item in value for text in (flag(name), str(item))]
            elif value is not None and value is not False:
                arguments += [flag(name), str(value)]
        arguments += ["--output", str(self.folder)]
        return [*arguments, "--resume"] if self.begun else arguments

    @property
    def command(self) -> str:
        """The command as a line for a shell."""
        return shlex.join(["avprompt", *self.arguments])


def cells_of(sweep: Sweep, output: Path) -> list[Cell]:
    """Return the runs of a sweep in order: by dataset, method, levels, then seed.

    Args:
        sweep: which runs.
        output: the folder that all run directories are in.

    Raises:
        ConfigError: two runs would have one folder, an option has two values, or is none of a run.
    """
    taken = [name for name in (*_BY_SWEEP, "output") if name in sweep.options]
    if taken:
        raise ConfigError(
            f"The sweep '{sweep.name}' has '{taken[0]}' among its options: write `datasets`, `seeds` or "
            "`set` beside `options` instead."
        )
    conditions = list(_conditions(sweep))
    cells = [
        Cell(
            method,
            levels,
            {"dataset": dataset, "seed": seed, "overrides": overrides, **sweep.options},
            _folder(output, dataset, method, levels) / f"seed{seed}",
        )
        for dataset in sweep.datasets
        for method in sweep.methods
        for levels, overrides in conditions
        for seed in sweep.seeds
    ]
    folder, count = Counter(cell.folder for cell in cells).most_common(1)[0]
    if count > 1:
        raise ConfigError(
            f"{count} runs of the sweep '{sweep.name}' would go to '{folder}': name each method, dataset, "
            "level and seed once, and rename files that have one name."
        )
    return cells


def flag(option: str) -> str:
    """Return how the command line spells an option of `RunOptions`."""
    return _FLAGS.get(option, f"--{option.replace('_', '-')}")


def levels_text(levels: Mapping[str, str]) -> str:
    """Write the levels of factors, such as `prompt=fixed,decoder=frozen`."""
    last = {factor: factor.rpartition(".")[2] for factor in levels}
    counts = Counter(last.values())
    names = {factor: short if counts[short] == 1 else factor for factor, short in last.items()}
    return ",".join(f"{names[factor]}={level}" for factor, level in levels.items())


def _folder(output: Path, dataset: str, method: str, levels: Mapping[str, str]) -> Path:
    folder = output / dataset / Path(method).stem
    return folder / levels_text(levels) if levels else folder


def _conditions(sweep: Sweep) -> Iterator[tuple[dict[str, str], tuple[str, ...]]]:
    """Yield every combination of levels with its overrides."""
    factors = sweep.all_factors()
    for levels in itertools.product(*factors.values()):
        chosen = dict(zip(factors, levels, strict=True))
        of_levels = [text for factor, level in chosen.items() for text in factors[factor][level]]
        counts = Counter(option_of(text) for text in (*sweep.set, *of_levels))
        if twice := [option for option, count in counts.items() if count > 1]:
            raise ConfigError(
                f"'{twice[0]}' is set twice in the sweep '{sweep.name}', at {levels_text(chosen)}: only one "
                "factor, or --set, may set an option."
            )
        yield chosen, (*sweep.set, *of_levels)
