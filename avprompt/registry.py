"""The registry: names of parts, who registered them, and where they are."""

from __future__ import annotations

import importlib
import importlib.resources
import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from avprompt.errors import PluginError, UnknownNameError, failure, suggest
from avprompt.promises import INTERFACES, check_class

# Kind of part -> what one of them is called in a message. The hooks are `register_<kind>`.
KINDS = MappingProxyType(
    {
        "methods": "method",
        "datasets": "dataset",
        "encoder_sets": "encoder set",
        "backbones": "backbone",
        "audio_encoders": "audio encoder",
        "projections": "audio projection",
        "prompts": "prompt generator",
        "decoders": "decoder",
        "maskers": "masker",
        "losses": "loss",
        "schedules": "schedule",
        "optimizers": "optimizer",
        "callbacks": "callback",
        "protocols": "protocol",
        "checkpoint_formats": "checkpoint format",
        "weights": "weight file",
        "sweeps": "sweep",
    }
)

YAML_KINDS = ("methods", "encoder_sets", "sweeps")
"""Kinds of which YAML is registered: its text, or where it is, `"package:file.yaml"`."""

_PLACE = re.compile(r"[^\s:]+:\S+")


@dataclass(frozen=True)
class Entry:
    """One registered part: its `target` is the part, or where it is, `"module:attribute"`."""

    kind: str
    name: str
    target: object
    owner: str

    def __str__(self) -> str:
        return f"The {KINDS[self.kind]} '{self.name}' of plugin '{self.owner}'"

    def load(self) -> Any:
        """Return the part, importing its module at the first use; a `.yaml` target gives its text.

        Raises:
            PluginError: the module cannot be imported, has no such attribute or file, or the part is
                not what its kind promises.
        """
        part = self._imported() if is_place(self.target) else self.target
        if self.kind in INTERFACES:
            check_class(str(self), part, self.kind)
        return part

    def _imported(self) -> Any:
        module, _, attribute = str(self.target).partition(":")
        try:
            if attribute.endswith((".yaml", ".yml")):
                return importlib.resources.files(module).joinpath(attribute).read_text(encoding="utf-8")
            return getattr(importlib.import_module(module), attribute)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # importing runs a plugin's code
            raise PluginError(
                f"{self} cannot be loaded from '{self.target}': "
                f"{failure(error, [module.partition('.')[0]])}. Install what is missing, or mend the plugin."
            ) from error


class Registry:
    """All registered parts, by kind and name.

    Attributes:
        failures: why a plugin could not be loaded, by its name.
    """

    def __init__(self) -> None:
        self.failures: dict[str, str] = {}
        self._entries: dict[str, dict[str, Entry]] = {kind: {} for kind in KINDS}

    def add(self, kind: str, name: str, target: object, owner: str) -> None:
        """Register a part.

        Raises:
            PluginError: the name is taken, and the message says by whom; or name or target are none.
        """
        entry = Entry(kind, name, target, owner)
        if not isinstance(name, str) or not name:
            raise PluginError(f"Plugin '{owner}' registers a {KINDS[kind]} under {name!r}, which is no name.")
        first = self._entries[kind].get(name)
        if first is not None and first.owner == owner:
            raise PluginError(f"{entry} is registered twice. Give one of the two another name.")
        if first is not None:
            raise PluginError(
                f"The {KINDS[kind]} '{name}' is already registered by plugin '{first.owner}'; "
                f"plugin '{owner}' must choose another name."
            )
        if kind in YAML_KINDS:
            _check_yaml(entry)
        elif isinstance(target, str) and not is_place(target):
            raise PluginError(f"{entry} is at '{target}', but a place is written 'module:attribute'.")
        self._entries[kind][name] = entry

    def remove_owner(self, owner: str) -> None:
        """Forget everything that a plugin registered."""
        for entries in self._entries.values():
            for name in [name for name, entry in entries.items() if entry.owner == owner]:
                del entries[name]

    def names(self, kind: str) -> list[str]:
        """Return the sorted names of one kind."""
        return sorted(self._entries[kind])

    def entries(self, owner: str | None = None) -> list[Entry]:
        """Return all entries, kind by kind, or those of one plugin."""
        every = (entry for kind in KINDS for _, entry in sorted(self._entries[kind].items()))
        return [entry for entry in every if owner in (None, entry.owner)]

    def find(self, kind: str, name: str) -> Entry:
        """Return an entry without loading it.

        Raises:
            UnknownNameError: nobody registered the name; the message suggests the nearest.
        """
        entries = self._entries[kind]
        if name not in entries:
            raise UnknownNameError(
                f"There is no {KINDS[kind]} '{name}'. {suggest(name, entries)}{self._not_loaded()}"
            )
        return entries[name]

    def load(self, kind: str, name: str) -> Any:
        """Return a part by name; see `find` and `Entry.load` for the errors."""
        return self.find(kind, name).load()

    def _not_loaded(self) -> str:
        """Say which plugins are missing, as one of them may have what was asked for."""
        return "".join(f"\nPlugin '{name}' is not loaded: {why}" for name, why in self.failures.items())


def is_place(target: object) -> bool:
    """Say whether a target is not the part itself but where it is: `"module:attribute"`."""
    return isinstance(target, str) and _PLACE.fullmatch(target) is not None


def _check_yaml(entry: Entry) -> None:
    """Make sure that YAML is registered, or where it is."""
    target = entry.target
    if not isinstance(target, str) or (len(target.split()) < 2 and not is_place(target)):
        raise PluginError(
            f"{entry} is {target!r}, but must be YAML text, or where it is: 'package:file.yaml'. A plugin "
            "that is a single file may name a file beside it: 'file.yaml'."
        )
