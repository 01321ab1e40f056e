"""The check of a sweep."""

from __future__ import annotations

from pathlib import Path

from avprompt.plugin.discovery import Loaded, load_plugins
from avprompt.registry import Registry
from avprompt.sweeps.plan import plan_sweep
from avprompt.sweeps.sweep import read_sweep


def check_sweep(sweep: str, registry: Registry | None = None) -> None:
    """Check that every run of a sweep can be made: names and options are there, and fit together.

    Args:
        sweep: a registered sweep, or a YAML file.
        registry: where names are looked up; that of all installed plugins unless given.

    Raises:
        AssertionError: it calls itself otherwise than it is registered.
        AvpromptError: it is no sweep, or something in a run does not fit.
    """
    registry = load_plugins().registry if registry is None else registry
    chosen = read_sweep(registry, [sweep])
    expected = Path(sweep).stem
    assert chosen.name == expected, f"it calls itself '{chosen.name}', but is registered as '{expected}'"
    plan_sweep(Loaded(registry, ()), chosen, Path())
