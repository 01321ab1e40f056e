"""Tables of options as YAML gives them: read, checked for their types, and laid one over another."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from avprompt.config.options import SHARED_OPTIONS
from avprompt.errors import ConfigError, suggest

Table = dict[str, Any]

# Table of a method -> kind of the part that its `name` names.
PART_KINDS = {
    "backbone": "backbones",
    "audio_encoder": "audio_encoders",
    "projection": "projections",
    "prompt": "prompts",
    "decoder": "decoders",
    "masker": "maskers",
}
# The same of the table `training`, where a part without options may stand as its bare name.
TRAINING_KINDS = {"schedule": "schedules", "optimizer": "optimizers"}
ENCODERS = ("backbone", "audio_encoder")
TABLES = (*PART_KINDS, "losses", "training")
TEXTS = ("name", "summary", "paper", "base")

_TERM = re.compile(r"[\w-]+")
SUM = "total"
"""The name of the sum of all terms of `losses`, which stands among them in the log."""

_FLOAT, _EXPONENT = "tag:yaml.org,2002:float", re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$")


class _Loader(yaml.SafeLoader):
    """YAML in which 1e-3 is a number, as everybody writes it; YAML 1.1 wants 1.0e-3 and takes it for text."""


class _Dumper(yaml.SafeDumper):
    """YAML in which a text that `_Loader` would take for a number stands in quotes."""


_Loader.add_implicit_resolver(_FLOAT, _EXPONENT, list("+-.0123456789"))
_Dumper.add_implicit_resolver(_FLOAT, _EXPONENT, list("+-.0123456789"))


def parse(text: str, where: str) -> Table:
    """Return the tables that a YAML file holds.

    Raises:
        ConfigError: it is not YAML, or something else than tables.
    """
    try:
        tables = yaml.load(text, _Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # of dates that are none, of deep nesting
        raise ConfigError(f"The {where} is not valid YAML: {error}") from error
    if not isinstance(tables, dict):
        raise ConfigError(f"The {where} must be tables of options, such as `avprompt show` prints.")
    return tables


def dump(tables: Table) -> str:
    """Return tables as YAML, in their order; `parse` reads the same tables again."""
    return yaml.dump(tables, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


def parse_override(text: str) -> Table:
    """Turn `part.option=value` into nested tables.

    Raises:
        ConfigError: not of that form, or the value is not YAML.
    """
    path, equals, value = text.partition("=")
    keys = path.strip().split(".")
    if not equals or len(keys) < 2 or not all(keys):
        raise ConfigError(f"--set takes part.option=value, such as prompt.context_tokens=8; got '{text}'.")
    try:
        nested: Any = yaml.load(value, _Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(f"The value in --set {text} cannot be read: {error}") from error
    for key in reversed(keys):
        nested = {key: nested}
    return dict(nested)


def check_types(tables: Table, where: str, known: Iterable[str]) -> None:
    """Check that all keys are known, that texts are texts, and that tables are tables.

    Raises:
        ConfigError: the message names the key, and the nearest one where it is unknown.
    """
    for key, value in tables.items():
        if key not in known:
            raise ConfigError(f"The {where} has no part '{key}'. {suggest(str(key), known)}")
        if key in TEXTS and not isinstance(value, str):
            raise ConfigError(f"'{key}' in the {where} must be text, not {value!r}.")
        if key not in TEXTS and not isinstance(value, Mapping):
            raise ConfigError(f"'{key}' in the {where} must be a table of options, not {value!r}.")
    for term, table in tables.get("losses", {}).items():
        _check_term(term, table, where)


def _check_term(term: object, table: object, where: str) -> None:
    """Check one entry of `losses`: the term's name, and the loss that it names."""
    if not isinstance(table, Mapping | None):
        raise ConfigError(f"losses.{term} in the {where} must be a table of options, not {table!r}.")
    if not isinstance(term, str) or not _TERM.fullmatch(term) or term == SUM:
        raise ConfigError(
            f"A loss in the {where} is called {term!r}: name it in letters, digits and hyphens, such as "
            f"image-contrastive; '{SUM}' is the sum of all."
        )
    if table and not isinstance(table.get("part", ""), str):
        raise ConfigError(f"losses.{term}.part in the {where} must be a name, not {table['part']!r}.")


def loss_part(term: str, table: Mapping[str, Any]) -> str:
    """Return the registered loss that a term of `losses` names: its `part`, or the term itself."""
    part: str = table.get("part", term)
    return part


def name_and_options(part: str | Mapping[str, Any]) -> tuple[Any, Table]:
    """Return the name and the options of a part that stands as a table with its name, or as a bare name."""
    table = {"name": part} if isinstance(part, str) else dict(part)
    return table.pop("name", None), table


def merge(base: Table, over: Mapping[str, Any]) -> Table:
    """Lay one set of tables over another.

    Naming another part drops the old part's own options and keeps those that every part of its kind has.
    None removes a term of `losses`.
    """
    merged = dict(base)
    for key, value in over.items():
        old, kind = merged.get(key), (PART_KINDS | TRAINING_KINDS).get(key)
        if key in TRAINING_KINDS and isinstance(value, Mapping) and isinstance(old, str):
            old = {"name": old}
        if isinstance(value, Mapping) and isinstance(old, Mapping):
            if kind and value.get("name", old.get("name")) != old.get("name"):
                old = _shared(kind, old)
            elif key == "losses":
                old = {term: _kept(term, table, value.get(term)) for term, table in old.items()}
            merged[key] = merge(dict(old), value)
        else:
            merged[key] = value
    return merged


def _kept(term: str, table: Any, over: Any) -> Any:
    """Return what stays of a term of `losses` under another table."""
    if isinstance(table, Mapping) and isinstance(over, Mapping):
        part = loss_part(term, table)
        if over.get("part", part) != part:
            return _shared("losses", table)
    return table


def _shared(kind: str, table: Mapping[str, Any]) -> Table:
    """Return the options that every part of a kind has."""
    return {option: table[option] for option in table if option in SHARED_OPTIONS[kind].model_fields}
