"""A sweep as data: methods, datasets, seeds, and factors whose levels are sets of overrides."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field

from avprompt.config.options import Options, validate
from avprompt.config.tables import Table, parse, parse_override
from avprompt.errors import ConfigError, suggest
from avprompt.files import read_text
from avprompt.plugin.discovery import Loaded
from avprompt.registry import Registry

Factors = Mapping[str, Mapping[str, Sequence[str]]]
"""Factor -> level -> overrides `part.option=value`; a level without overrides is the method as it is."""

_NAME = re.compile(r"[\w.+-]+")


class Sweep(Options):
    """Which runs are made: every method on every dataset, at every level of every factor, with every seed.

    Attributes:
        name: of the sweep; it names its folder, and its rows in a ledger.
        summary: what it asks, in a sentence.
        methods: registered methods, or YAML files.
        datasets: registered benchmarks.
        seeds: of the runs. A method that trains nothing is run with the first only.
        factors: factor -> level -> overrides; the first level of each is what others are compared with.
        over: option -> values, a factor whose levels set one option each.
        set: overrides of every run.
        options: what `avprompt run` takes beside, such as `steps`; see `avprompt.runs.settings.RunOptions`.
        ledger: csv file of finished runs, used where its folder is there, from the working folder.
    """

    name: str
    summary: str = ""
    methods: tuple[str, ...] = Field(min_length=1)
    datasets: tuple[str, ...] = Field(default=("toy",), min_length=1)
    seeds: tuple[int, ...] = Field(default=(0,), min_length=1)
    factors: dict[str, dict[str, tuple[str, ...]]] = Field(default_factory=dict)
    over: dict[str, tuple[Any, ...]] = Field(default_factory=dict)
    set: tuple[str, ...] = ()
    options: dict[str, Any] = Field(default_factory=dict)
    ledger: Path | None = None

    def all_factors(self) -> dict[str, dict[str, tuple[str, ...]]]:
        """Return the factors, also those that are written as `over`.

        Raises:
            ConfigError: a factor without levels, or a name that cannot stand in the name of a folder.
        """
        levels = {option: over_levels(option, values) for option, values in self.over.items()}
        for name in levels.keys() & self.factors.keys():
            raise ConfigError(f"The sweep '{self.name}' has two factors '{name}': rename one of them.")
        factors = {**self.factors, **levels}
        for factor, of_factor in factors.items():
            if not of_factor:
                raise ConfigError(f"The factor '{factor}' of the sweep '{self.name}' has no levels.")
            for name in (factor, *of_factor):
                if not _NAME.fullmatch(name):
                    raise ConfigError(
                        f"'{name}' in the sweep '{self.name}' must be a short name of letters, digits, '-', "
                        "'.' or '+': it becomes part of a folder's name."
                    )
        return factors

    def changed(self, **given: Any) -> Sweep:
        """Return the sweep with what the user gave instead; None leaves it, `over`, `set` and `options` add.

        An override replaces the sweep's own of the same option.
        """
        tables = self.model_dump()
        given = {name: value for name, value in given.items() if value is not None}
        over, overrides = given.pop("over", {}), given.pop("set", ())
        tables["over"] |= over
        tables["set"] = laid_over(self.set, overrides)
        tables["options"] |= given.pop("options", {})
        changed: Sweep = validate(Sweep, tables | given, f"sweep '{self.name}'")
        return changed


def over_levels(option: str, values: Iterable[Any]) -> dict[str, tuple[str, ...]]:
    """Return the levels of a factor that sets one option, by a short name of each value."""
    texts = [
        value if isinstance(value, str) else yaml.safe_dump(value, default_flow_style=True)
        for value in values
    ]
    texts = [text.removesuffix("...\n").strip() for text in texts]
    levels: dict[str, tuple[str, ...]] = {
        "-".join(re.findall(r"[\w.+-]+", text)): (f"{option}={text}",) for text in texts
    }
    if len(levels) < len(texts) or "" in levels:
        raise ConfigError(
            f"The values of --over {option} need names that differ: {', '.join(texts)}. Write a sweep file "
            "with a factor, and name its levels there."
        )
    return levels


def parse_over(texts: Iterable[str]) -> dict[str, list[Any]]:
    """Turn `part.option=value,value` into an option and its values, which are YAML in brackets or not.

    Raises:
        ConfigError: not of that form, or an option twice.
    """
    over: dict[str, list[Any]] = {}
    for text in texts:
        option, equals, values = text.partition("=")
        option, values = option.strip(), values.strip()
        listed = values if values.startswith("[") and values.endswith("]") else f"[{values}]"
        if not equals or not values:
            raise ConfigError(
                f"--over takes part.option=value,value, such as prompt.context_tokens=4,8; got '{text}'."
            )
        if option in over:
            raise ConfigError(f"--over {option} is given twice: name all its values once.")
        nested: Any = parse_override(f"{option}={listed}")
        for key in option.split("."):
            nested = nested[key]
        over[option] = nested
    return over


def laid_over(overrides: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    """Return overrides with others over them: of two for one option the other's stays."""
    replaced = {option_of(text) for text in others}
    return (*(text for text in overrides if option_of(text) not in replaced), *others)


def option_of(override: str) -> str:
    """Return the option that an override sets."""
    return override.partition("=")[0].strip()


def read_sweep(registry: Registry, targets: Sequence[str]) -> Sweep:
    """Return a sweep by its registered name or YAML file, or one over methods.

    Raises:
        ConfigError: the file is no sweep, or a sweep stands beside other names.
    """
    sweeps = [target for target in targets if _is_sweep(registry, target)]
    if not sweeps:
        _check_methods(registry, targets)
        name = "-".join(Path(target).stem for target in targets)
        methods: Sweep = validate(Sweep, {"name": name, "methods": list(targets)}, "sweep")
        return methods
    if len(targets) > 1:
        raise ConfigError(f"'{sweeps[0]}' is a sweep, and names its methods: give nothing beside it.")
    where = f"sweep '{sweeps[0]}'"
    tables = parse(_text(registry, sweeps[0]), where)
    sweep: Sweep = validate(Sweep, {"name": Path(sweeps[0]).stem, **_with_text(tables)}, where)
    return sweep


def asked_sweep(
    loaded: Loaded,
    targets: str | Path | Sequence[str | Path],
    *,
    over: Mapping[str, Sequence[Any]] | None = None,
    datasets: Sequence[str] | None = None,
    seeds: Sequence[int] | None = None,
    **options: Any,
) -> Sweep:
    """Return a sweep under the user's choices.

    Args:
        loaded: plugins.
        targets: a registered sweep or its YAML file; or methods.
        over: option -> values, which add to its factors.
        datasets: instead of its own.
        seeds: instead of its own.
        **options: of every run, as `RunOptions`; its `overrides` add to `set`.
    """
    names = [targets] if isinstance(targets, str | Path) else targets
    overrides = options.pop("overrides", ())
    sweep = read_sweep(loaded.registry, [str(name) for name in names])
    return sweep.changed(
        over=dict(over or {}),
        set=tuple(overrides),
        datasets=datasets and list(datasets),
        seeds=seeds and list(seeds),
        options=options,
    )


def _check_methods(registry: Registry, targets: Sequence[str]) -> None:
    """Refuse what is neither a method nor a file; a name may have been meant for a sweep."""
    methods, sweeps = registry.names("methods"), registry.names("sweeps")
    for target in targets:
        if target not in methods and not Path(target).suffix:
            known = [*sweeps, *methods]
            raise ConfigError(f"There is no sweep or method '{target}'. {suggest(target, known)}")


def _is_sweep(registry: Registry, target: str) -> bool:
    if target in registry.names("sweeps"):
        return True
    path = Path(target)
    return path.suffix in (".yaml", ".yml") and path.is_file() and "methods" in parse(read_text(path), target)


def _text(registry: Registry, target: str) -> str:
    if target in registry.names("sweeps"):
        text: str = registry.load("sweeps", target)
        return text
    return read_text(Path(target))


def _with_text(tables: Table) -> Table:
    """Return tables of a sweep whose levels are named by text, as YAML reads `no` and 4 as something else."""
    factors = tables.get("factors")
    if isinstance(factors, Mapping):
        tables["factors"] = {
            str(factor): {str(level): overrides for level, overrides in levels.items()}
            if isinstance(levels, Mapping)
            else levels
            for factor, levels in factors.items()
        }
    return tables
