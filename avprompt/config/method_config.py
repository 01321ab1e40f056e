"""A method as data: one part of each kind, its options, and how it is trained.

`resolve` puts a method together, later sources over earlier ones: the encoders of the set, the method's file
over its base, what changes with the encoder set, what the file says `with` this set, then the user's
`--set part.option=value`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from avprompt.config.method_file import read_encoder_set, read_method
from avprompt.config.options import explain, options, validate
from avprompt.config.removals import check_removals
from avprompt.config.tables import (
    ENCODERS,
    PART_KINDS,
    TRAINING_KINDS,
    Table,
    check_types,
    dump,
    loss_part,
    merge,
    name_and_options,
    parse_override,
)
from avprompt.config.training_options import TrainingOptions
from avprompt.errors import ConfigError, UnknownNameError
from avprompt.registry import KINDS, Registry

_NAMED = {*PART_KINDS, *(f"training.{option}" for option in TRAINING_KINDS)}  # each with a `name`


class MethodConfig(BaseModel):
    """A method: its parts by registered name with their options, its losses and its training.

    A loss stands under the name of its term; its `part` is the registered loss where that has another name.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    summary: str = ""
    paper: str = ""
    backbone: Table
    audio_encoder: Table
    projection: Table
    prompt: Table
    decoder: Table
    masker: Table
    losses: dict[str, Table]
    training: TrainingOptions = TrainingOptions()

    def to_yaml(self) -> str:
        """Return the method as YAML that runs as a method again."""
        return dump(self.model_dump(mode="json"))


def resolve(registry: Registry, method: str, encoders: str, overrides: Iterable[str] = ()) -> MethodConfig:
    """Put a method together and check every option of it.

    Args:
        registry: where names are looked up.
        method: a registered method or a YAML file.
        encoders: a registered encoder set.
        overrides: `part.option=value`, the value as YAML; of two for one option the later holds.

    Raises:
        ConfigError: a table, option or value that does not fit, with the nearest that does.
        UnknownNameError: a name that nobody registered.
    """
    merged = _with_encoders(registry, read_method(registry, method), encoders)
    return check(registry, _overridden(registry, merged, overrides), f"method '{method}'")


def check_names(
    registry: Registry, method: str, encoders: str | None = None, overrides: Iterable[str] = ()
) -> None:
    """Check what can be checked without importing a part: names, types, and the form of overrides.

    Args:
        registry: where names are looked up.
        method: a registered method or a YAML file.
        encoders: a registered encoder set; None where the benchmark will name one.
        overrides: `part.option=value`.

    Raises:
        ConfigError: a table that does not exist, a value of the wrong type, or what training does not take.
        UnknownNameError: a name that nobody registered.
    """
    merged = read_method(registry, method)
    if encoders is not None:
        merged = _with_encoders(registry, merged, encoders)
    merged = _overridden(registry, merged, overrides)
    merged.pop("with", None)
    check_types(merged, f"method '{method}'", MethodConfig.model_fields)
    training = validate(TrainingOptions, merged.get("training", {}), "training")
    for option, kind in TRAINING_KINDS.items():
        registry.find(kind, name_and_options(getattr(training, option))[0])
    for name, table in training.callbacks.items():
        if table is not None:
            registry.find("callbacks", name)
    for part, kind in PART_KINDS.items():
        name = merged.get(part, {}).get("name")
        if isinstance(name, str):
            registry.find(kind, name)
    for term, table in merged.get("losses", {}).items():
        if table is not None:
            _find_loss(registry, term, table)


def encoder_set(registry: Registry, encoders: str) -> dict[str, Table]:
    """Return the encoders that an encoder set names, every default of theirs filled in."""
    parts, _ = read_encoder_set(registry, encoders)
    where = f"encoder set '{encoders}'"
    return {part: _part(registry, part, table, where) for part, table in parts.items() if "name" in table}


def check(registry: Registry, tables: Table, where: str) -> MethodConfig:
    """Validate tables against the options of the parts they name, and fill in every default."""
    check_types(tables, where, MethodConfig.model_fields)
    if "losses" not in tables:
        raise ConfigError(
            f"The {where} says nothing of its losses: the table 'losses' is missing. "
            "A method that trains nothing says 'losses: {}'."
        )
    checked = dict(tables)
    for part in PART_KINDS:
        checked[part] = _part(registry, part, tables.get(part, {}), where)
    checked["losses"] = {
        term: _loss(registry, term, table) for term, table in tables["losses"].items() if table is not None
    }
    try:
        method = MethodConfig(**checked)
    except ValidationError as error:
        raise ConfigError(explain(error, where, MethodConfig)) from error
    return method.model_copy(update={"training": _training(registry, method.training)})


def _with_encoders(registry: Registry, method: Table, encoders: str) -> Table:
    """Lay a method over the encoders of a set, and over the method what changes with that set.

    What changes of a loss changes in every term that names it.
    """
    own = method.pop("with", {}).get(encoders, {})
    parts, changes = read_encoder_set(registry, encoders)
    if all("name" in method.get(part, {}) for part in ENCODERS):
        changes = {}  # a method that names its encoders, as a finished run's does, takes none of the set's
    present = merge(method, own).get("losses", {})
    losses = changes.pop("losses", {})
    terms = {term: loss_part(term, table) for term, table in present.items() if table is not None}
    if changed := {term: losses[part] for term, part in terms.items() if part in losses}:
        changes["losses"] = changed
    method = merge(merge(parts, method), changes)
    where = f"in the table with.{encoders} of the method '{method.get('name')}'"
    check_removals(registry, method, own, where)
    return merge(method, own)


def _overridden(registry: Registry, tables: Table, overrides: Iterable[str]) -> Table:
    """Lay overrides over tables: the choice of a part before the options of it, whatever their order."""
    overrides = sorted(overrides, key=lambda text: not _names_part(_path(text)))
    for outer, inner in itertools.permutations(map(_path, overrides), 2):
        if inner.startswith(f"{outer}."):
            raise ConfigError(
                f"--set {inner} lies inside of {outer}, which --set or an option such as --steps sets too. "
                "One of them would be lost: leave one out."
            )
    for text in overrides:
        over = parse_override(text)
        check_removals(registry, tables, over, "after --set")
        tables = merge(tables, over)
    return tables


def _path(override: str) -> str:
    return override.partition("=")[0].strip()


def _names_part(path: str) -> bool:
    table, _, option = path.rpartition(".")
    return option == "part" if table.startswith("losses.") else option == "name" and table in _NAMED


def _part(registry: Registry, part: str, table: Mapping[str, Any], where: str) -> Table:
    own = dict(table)
    name = own.pop("name", None)
    if name is None:
        raise ConfigError(f"The {where} names no {KINDS[PART_KINDS[part]]}: {part}.name is missing.")
    return {"name": name, **_fill(registry, PART_KINDS[part], name, own, part)}


def _loss(registry: Registry, term: str, table: Mapping[str, Any]) -> Table:
    own, part = dict(table), _find_loss(registry, term, table)
    own.pop("part", None)
    filled = _fill(registry, "losses", part, own, f"losses.{term}")
    return filled if part == term else {"part": part, **filled}


def _find_loss(registry: Registry, term: str, table: Mapping[str, Any]) -> str:
    """Return the registered loss of a term; see `Registry.find` for the error."""
    part = loss_part(term, table)
    try:
        registry.find("losses", part)
    except UnknownNameError as error:
        if "part" in table:
            raise
        raise UnknownNameError(
            f"{error}\nA loss under a name of its own says which it is: losses.{term}.part=NAME."
        ) from error
    return part


def _training(registry: Registry, training: TrainingOptions) -> TrainingOptions:
    """Fill in the defaults of the parts that training names; one without options stays a bare name."""
    parts: Table = {}
    for option, kind in TRAINING_KINDS.items():
        name, own = name_and_options(getattr(training, option))
        table = _fill(registry, kind, name, own, f"training.{option}")
        parts[option] = {"name": name, **table} if table else name
    parts["callbacks"] = {
        name: _fill(registry, "callbacks", name, table, f"training.callbacks.{name}")
        for name, table in training.callbacks.items()
        if table is not None
    }
    return training.model_copy(update=parts)


def _fill(registry: Registry, kind: str, name: Any, table: Mapping[str, Any], where: str) -> Table:
    if not isinstance(name, str):
        raise ConfigError(f"{where}.name must be a name, not {name!r}.")
    filled: Table = options(registry, kind, name, table, where).model_dump(mode="json")
    return filled
