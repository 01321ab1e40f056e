"""What a plugin keeps of its promises, part by part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from avprompt.errors import AvpromptError, PluginError, UnknownNameError, failure, suggest
from avprompt.plugin.discovery import Loaded, load_plugins
from avprompt.registry import KINDS, Entry, Registry
from avprompt.testing.registered import CannotCheckError, check_registered

Verdict = Literal["kept", "broken", "not checked"]


@dataclass(frozen=True)
class PartReport:
    """What the check of a registered part says: its verdict, and the reason where that is not `kept`."""

    entry: Entry
    verdict: Verdict
    reason: str = ""


def check_plugin(name: str, files: tuple[str, ...] = ()) -> Iterator[PartReport]:
    """Check every part that a plugin registers, or one part.

    Args:
        name: a plugin as `load_plugins` names it, a plugin file, or a part as `kind/name`.
        files: other plugin files to load.

    Raises:
        UnknownNameError: there is no such plugin or part.
        PluginError: the plugin could not be loaded, or has nothing to check.
    """
    if name.endswith(".py"):
        loaded, owner = load_plugins((*files, name)), Path(name).name
    else:
        loaded, owner = load_plugins(files), name
    for entry in _entries(loaded, owner):
        yield report(loaded.registry, entry)


def report(registry: Registry, entry: Entry) -> PartReport:
    """Check one registered part; whatever its code raises is the reason of a broken promise."""
    try:
        check_registered(registry, entry.kind, entry.name)
    except CannotCheckError as error:
        return PartReport(entry, "not checked", str(error))
    except (AssertionError, AvpromptError) as error:
        return PartReport(entry, "broken", str(error) or f"{type(error).__name__} without a message")
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin may raise anything, sys.exit too
        return PartReport(entry, "broken", failure(error, [_package(entry)]))
    return PartReport(entry, "kept")


def _entries(loaded: Loaded, name: str) -> list[Entry]:
    kind, slash, part = name.partition("/")
    if slash and kind in KINDS:
        return [loaded.registry.find(kind, part)]
    failures = {plugin.name: plugin.failure for plugin in loaded.plugins}
    if name not in failures:
        raise UnknownNameError(f"There is no plugin '{name}'. {suggest(name, failures)}")
    if failures[name]:
        raise PluginError(f"The plugin '{name}' is not loaded: {failures[name]}")
    entries = loaded.registry.entries(name)
    if not entries:
        raise PluginError(f"The plugin '{name}' registers nothing, so there is nothing to check.")
    return entries


def _package(entry: Entry) -> str:
    """Return the top-level module that a part's own code is in."""
    place = entry.target if isinstance(entry.target, str) else getattr(entry.target, "__module__", "")
    return place.partition(":")[0].partition(".")[0]
