"""Finding plugins, first-party and anybody's, and letting each register its parts.

A plugin that fails is reported and rolled back; it never stops the others.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pluggy

from avprompt.errors import PluginError
from avprompt.plugin import hookspecs
from avprompt.registry import KINDS, Registry

GROUP = "avprompt"


@dataclass(frozen=True)
class Plugin:
    """A plugin that was found: its name, where it comes from, and why it failed, if it did."""

    name: str
    source: str
    version: str
    failure: str | None = None


@dataclass(frozen=True)
class Loaded:
    """The registry after all plugins had their say, and the plugins themselves."""

    registry: Registry
    plugins: tuple[Plugin, ...]

    def versions(self) -> dict[str, str]:
        """Return the version of each working plugin by name."""
        return {plugin.name: plugin.version for plugin in self.plugins if plugin.failure is None}


def load_plugins(files: tuple[str, ...] = ()) -> Loaded:
    """Load every installed plugin, then the plugin `files` given by hand.

    An installed plugin that fails is reported in the result; a file that fails is the user's own
    and raises.

    Raises:
        PluginError: a file is missing or breaks.
    """
    manager = pluggy.PluginManager("avprompt")
    manager.add_hookspecs(hookspecs)
    registry = Registry()
    plugins = [_load_entry_point(manager, registry, point) for point in _entry_points()]
    plugins += [_load_file(manager, registry, Path(file)) for file in files]
    return Loaded(registry, tuple(plugins))


def _entry_points() -> Iterator[metadata.EntryPoint]:
    """Yield entry points, this distribution's first, so that nobody can take a first-party name."""

    def order(point: metadata.EntryPoint) -> tuple[bool, str, str]:
        owner = point.dist.name if point.dist else ""
        return owner != "avprompt", owner, point.name

    yield from sorted(metadata.entry_points(group=GROUP), key=order)


def _load_entry_point(
    manager: pluggy.PluginManager, registry: Registry, point: metadata.EntryPoint
) -> Plugin:
    dist, version = (point.dist.name, point.dist.version) if point.dist else ("?", "?")
    name = point.name if dist == "avprompt" else f"{dist}:{point.name}"
    try:
        _register(manager, registry, point.load(), name)
    except Exception as error:  # a plugin may raise anything
        return Plugin(name, point.value, version, failure=_reason(error))
    return Plugin(name, point.value, version)


def _load_file(manager: pluggy.PluginManager, registry: Registry, path: Path) -> Plugin:
    name = path.name
    try:
        _register(manager, registry, _import_file(path), name)
    except Exception as error:  # a plugin may raise anything
        raise PluginError(f"The plugin file '{path}' cannot be used: {_reason(error)}") from error
    return Plugin(name, str(path), "file")


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise PluginError("there is no such file.")
    spec = importlib.util.spec_from_file_location(f"avprompt_file_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise PluginError("it is not a Python file (.py).")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # pydantic resolves annotations through it
    spec.loader.exec_module(module)
    return module


def _register(manager: pluggy.PluginManager, registry: Registry, module: object, name: str) -> None:
    """Run one plugin's hooks; on any failure nothing of it stays."""
    try:
        manager.register(module, name=name)
        manager.check_pending()  # a misspelt hook is otherwise ignored without a word
        others = [plugin for plugin in manager.get_plugins() if plugin is not module]
        for kind in KINDS:
            caller = manager.subset_hook_caller(f"register_{kind}", others)
            caller(register=lambda part, target, kind=kind: registry.add(kind, part, target, name))
    except Exception:
        registry.remove_owner(name)
        if manager.has_plugin(name):
            manager.unregister(name=name)
        raise


def _reason(error: Exception) -> str:
    text = str(error) or "no message"
    return text if isinstance(error, PluginError) else f"{type(error).__name__}: {text}"
