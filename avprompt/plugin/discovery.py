"""Finding plugins, first-party and anybody's, and letting each register its parts.

A plugin that fails is reported and rolled back; it never stops the others.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

import pluggy

from avprompt.errors import PluginError, failure
from avprompt.plugin import hookspecs
from avprompt.plugin.registration import register_plugin
from avprompt.plugin.single_file import FILE_PREFIX, SingleFile
from avprompt.registry import Registry

GROUP = "avprompt"


@dataclass(frozen=True)
class Plugin:
    """A plugin that was found: its name, where it comes from, and why it failed, if it did.

    Of a single file, `contents` is all that was read, see `SingleFile`.
    """

    name: str
    source: str
    version: str
    failure: str | None = None
    contents: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Loaded:
    """The registry after all plugins had their say, and the plugins themselves."""

    registry: Registry
    plugins: tuple[Plugin, ...]

    def versions(self) -> dict[str, str]:
        """Return the version of each working plugin by name."""
        return {plugin.name: plugin.version for plugin in self.plugins if plugin.failure is None}

    def files(self) -> dict[str, bytes]:
        """Return all that was read of single files, by path: each plugin has a folder of its own."""
        return {
            f"{Path(plugin.name).stem}/{inside}": content
            for plugin in self.plugins
            for inside, content in plugin.contents.items()
        }


def load_plugins(files: tuple[str, ...] = ()) -> Loaded:
    """Load every installed plugin, then the plugin `files` given by hand.

    An installed plugin that fails is reported in the result; a file that fails is the user's own
    and raises.

    Raises:
        PluginError: a file is missing or breaks, or two files have one name.
    """
    manager = pluggy.PluginManager("avprompt")
    manager.add_hookspecs(hookspecs)
    registry = Registry()
    plugins = [_load_entry_point(manager, registry, point) for point in _entry_points()]
    plugins += [_load_file(manager, registry, path) for path in _distinct(files)]
    return Loaded(registry, tuple(plugins))


def plugin_failure(error: BaseException) -> str | None:
    """Return in one message what a plugin's own code has raised; None where only avprompt's has."""
    others = {point.module.partition(".")[0] for point in _entry_points() if _owner(point) != "avprompt"}
    for frame, _ in reversed(list(traceback.walk_tb(error.__traceback__))):
        package = str(frame.f_globals.get("__name__")).partition(".")[0]
        if package in others or package.startswith(FILE_PREFIX):
            name = package if package in others else Path(frame.f_code.co_filename).name
            return f"The plugin '{name}' failed: {failure(error, [package])}. Mend it there."
    return None


def _entry_points() -> Iterator[metadata.EntryPoint]:
    """Yield entry points, this distribution's first, so that nobody can take a first-party name."""

    def order(point: metadata.EntryPoint) -> tuple[bool, str, str]:
        return _owner(point) != "avprompt", _owner(point), point.name

    yield from sorted(metadata.entry_points(group=GROUP), key=order)


def _owner(point: metadata.EntryPoint) -> str:
    return point.dist.name if point.dist else "?"


def _distinct(files: Sequence[str]) -> list[Path]:
    """Return each file once; parts and results name a file's plugin by the name of the file."""
    paths: dict[str, Path] = {}
    for path in map(Path, files):
        first = paths.setdefault(path.name, path)
        if first.resolve() != path.resolve():
            raise PluginError(
                f"Two plugin files are called '{path.name}': '{first}' and '{path}'. Rename one of them."
            )
    return list(paths.values())


def _load_entry_point(
    manager: pluggy.PluginManager, registry: Registry, point: metadata.EntryPoint
) -> Plugin:
    dist, version = _owner(point), point.dist.version if point.dist else "?"
    name = point.name if dist == "avprompt" else f"{dist}:{point.name}"
    try:
        register_plugin(manager, registry, point.load(), name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin may raise anything, sys.exit too
        registry.failures[name] = _reason(error, point.module.partition(".")[0])
    return Plugin(name, point.value, version, registry.failures.get(name))


def _load_file(manager: pluggy.PluginManager, registry: Registry, path: Path) -> Plugin:
    file = SingleFile(path)
    try:
        register_plugin(manager, registry, file.module(), path.name, file)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin may raise anything, sys.exit too
        reason = _reason(error, file.module_name)
        raise PluginError(f"The plugin file '{path}' cannot be used: {reason}") from error
    return Plugin(path.name, str(path), "file", contents=file.contents)


def _reason(error: BaseException, package: str) -> str:
    return str(error) if isinstance(error, PluginError) else failure(error, [package])
