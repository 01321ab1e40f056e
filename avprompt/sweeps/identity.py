"""What a run computes, and the code that computes it: how a ledger knows a run without its directory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from avprompt.config.method_config import MethodConfig
from avprompt.config.options import Options, options
from avprompt.config.tables import ENCODERS, PART_KINDS, TRAINING_KINDS, Table, loss_part, name_and_options
from avprompt.features.code import source_digest
from avprompt.model.build import build_part
from avprompt.plugin.discovery import Loaded
from avprompt.registry import Registry
from avprompt.runs.planned import planned
from avprompt.runs.session import resolve_method
from avprompt.runs.settings import Settings
from avprompt.sweeps.cells import Cell

ROOMS = ("config", "data", "evaluation", "features", "metrics", "model", "training")
"""Rooms of the core whose code makes numbers."""


@dataclass(frozen=True)
class Identity:
    """A cell, resolved.

    Attributes:
        config: every option of method, training and scoring by its dotted name, with dataset and seed;
            without what changes no number.
        unsaid: options among them that have their default.
        packages: top-level modules of the parts, the benchmark and the protocol.
        trained: the method trains something.
        method_config: the method as data.
    """

    config: Table
    unsaid: frozenset[str]
    packages: frozenset[str]
    trained: bool
    method_config: MethodConfig

    @cached_property
    def digest(self) -> str:
        """The hash of `config`."""
        return config_digest(self.config)

    @property
    def code(self) -> str:
        """The hash of the sources that make the numbers as they are now: of `packages`, and of the core."""
        return source_digest(self.packages, ROOMS)[:16]

    def matches(self, recorded: Mapping[str, Any]) -> bool:
        """Say whether an earlier run computed the same.

        Options that there were not when it was made must have their default now.

        Args:
            recorded: its `config`.
        """
        new = self.config.keys() - recorded.keys()
        known = {name: value for name, value in self.config.items() if name not in new}
        return new <= self.unsaid and known == {**recorded}


def config_digest(config: Mapping[str, Any]) -> str:
    """Return the hash of a flat config, 16 hexadecimal digits."""
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:16]


def identify(loaded: Loaded, cell: Cell) -> Identity:
    """Resolve a cell; no data and no weights are read.

    Raises:
        AvpromptError: something does not fit together in it; the message says what.
    """
    settings, registry = cell.settings, loaded.registry
    adapter = registry.load("datasets", settings.dataset)
    plan = planned(loaded, cell.method, settings, [cell.seed], settings.encoders).results[0]
    encoders = settings.encoders or adapter.encoders
    method = resolve_method(loaded, cell.method, settings, encoders, trained=False)
    trained = plan.trainable_parameters > 0
    said: Table = {}
    unsaid: set[str] = set()
    for where, table, default in _tables(registry, method, trained=trained):
        said |= dict(_flat(table, where))
        unsaid |= dict(_flat(default, where)).keys()
    said |= {
        "run.dataset": settings.dataset,
        "run.seed": settings.seed,
        "run.protocol": plan.headline[0],
        "run.precision": settings.compute.precision,
    }
    if trained:
        said |= {f"run.{name}": getattr(settings.training, name) for name in ("train_list", "shards")}
    packages = _packages(registry, method, settings, plan.headline[0])
    return Identity(said, frozenset(unsaid), packages, trained, method)


def encoder_weights(registry: Registry, method: MethodConfig) -> dict[str, str]:
    """Return the SHA-256 of the weight files that the encoders of a method read today, by file name.

    Raises:
        WeightsError: they are not there.
    """
    checksums: dict[str, str] = {}
    for part in ENCODERS:
        table = dict(getattr(method, part))
        built = build_part(registry, PART_KINDS[part], table.pop("name"), table, part)
        checksums |= built.load_weights()
    return checksums


def _tables(registry: Registry, method: MethodConfig, *, trained: bool) -> Iterator[tuple[str, Table, Table]]:
    """Yield where a table stands, the table, and that of its options which have their default."""
    for part, kind in PART_KINDS.items():
        yield from _part(registry, kind, dict(getattr(method, part)), part)
    if not trained:
        return
    for term, table in method.losses.items():
        own = {"name": loss_part(term, table), **{key: table[key] for key in table if key != "part"}}
        yield from _part(registry, "losses", own, f"losses.{term}")
    training = method.training
    named = (*TRAINING_KINDS, "callbacks")
    yield "training", _dumped(training, *named, "workers"), _defaults(training, *named, "workers")
    for option, kind in TRAINING_KINDS.items():
        name, own = name_and_options(getattr(training, option))
        yield from _part(registry, kind, {"name": name, **own}, f"training.{option}")
    for name, callback in training.callbacks.items():
        yield from _part(
            registry, "callbacks", {"name": name, **(callback or {})}, f"training.callbacks.{name}"
        )


def _part(registry: Registry, kind: str, table: Table, where: str) -> Iterator[tuple[str, Table, Table]]:
    name = table.pop("name")
    checked: Options = options(registry, kind, name, table, where)
    yield where, {"name": name, **_dumped(checked)}, _defaults(checked)


def _dumped(checked: Options, *without: str) -> Table:
    table: Table = checked.model_dump(mode="json", exclude={*without})
    return table


def _defaults(checked: Options, *without: str) -> Table:
    """Return the options that have their default."""
    changed = checked.model_dump(mode="json", exclude_defaults=True)
    return {name: value for name, value in _dumped(checked, *without).items() if name not in changed}


def _flat(table: Mapping[str, Any], where: str) -> Iterator[tuple[str, Any]]:
    """Yield the options of nested tables by dotted name."""
    for name, value in table.items():
        path = f"{where}.{name}"
        if isinstance(value, Mapping) and value:
            yield from _flat(value, path)
        else:
            yield path, value


def _packages(registry: Registry, method: MethodConfig, settings: Settings, protocol: str) -> frozenset[str]:
    named = [(kind, getattr(method, part)["name"]) for part, kind in PART_KINDS.items()]
    named += [("losses", loss_part(term, table)) for term, table in method.losses.items()]
    training = method.training
    named += [
        (kind, name_and_options(getattr(training, option))[0]) for option, kind in TRAINING_KINDS.items()
    ]
    named += [("callbacks", name) for name in training.callbacks]
    named += [("datasets", settings.dataset), ("protocols", protocol)]
    classes = [registry.load(kind, name) for kind, name in named]
    return frozenset(part.__module__.partition(".")[0] for part in classes)
