"""Losses and callbacks that a method takes away from its base: null in place of their options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from avprompt.config.tables import Table
from avprompt.errors import ConfigError, suggest
from avprompt.registry import Registry


def check_removals(registry: Registry, base: Table, over: Mapping[str, Any], where: str) -> None:
    """Make sure that each null takes a loss or callback away, and is no forgotten table of options.

    Args:
        registry: where the names of callbacks are looked up.
        base: the tables that `over` is laid over.
        over: tables of a method, or of `--set`; their types may be unchecked.
        where: they stand, for messages, such as `in the method 'mine'`.

    Raises:
        ConfigError: there is nothing to take away; the message says how to add something instead.
        UnknownNameError: it would name a callback that nobody registered.
    """
    present = _table(base, "losses")
    if term := _without_options(_table(over, "losses"), present):
        near = suggest(term, present) if present else "The base has no loss."
        raise ConfigError(f"{_nothing_to_remove('losses', term, where)} {near}")
    if name := _without_options(_callbacks(over), _callbacks(base)):
        registry.find("callbacks", name)
        raise ConfigError(_nothing_to_remove("training.callbacks", name, where))


def _without_options(over: Mapping[Any, Any], present: Mapping[Any, Any]) -> str | None:
    """Return the first name that is null and stands for nothing below."""
    return next((str(name) for name, table in over.items() if table is None and name not in present), None)


def _nothing_to_remove(table: str, name: str, where: str) -> str:
    return (
        f"{table}.{name} is null {where}, which takes it away, but there is none to take away. To add "
        f"it with its defaults, write `{name}: {{}}` ({table}.{name}={{}} after --set)."
    )


def _callbacks(tables: Mapping[str, Any]) -> Mapping[Any, Any]:
    return _table(_table(tables, "training"), "callbacks")


def _table(tables: Mapping[Any, Any], key: str) -> Mapping[Any, Any]:
    table = tables.get(key)
    return table if isinstance(table, Mapping) else {}
