"""A sweep before anything is trained: every cell resolved, and what is wrong with one told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from avprompt.config.method_config import check_names
from avprompt.errors import AvpromptError
from avprompt.plugin.discovery import Loaded
from avprompt.sweeps.cells import Cell, cells_of
from avprompt.sweeps.identity import Identity, identify
from avprompt.sweeps.sweep import Sweep


def plan_sweep(loaded: Loaded, sweep: Sweep, output: Path) -> dict[Cell, Identity]:
    """Return the cells of a sweep, resolved; no data and no weights are read.

    A method that trains nothing has one cell instead of one for each seed: all would score the same.

    Raises:
        AvpromptError: something does not fit together in a cell; the message names it.
    """
    plan: dict[Cell, Identity] = {}
    first: dict[Path, Identity] = {}  # by the folder of all seeds
    for cell in cells_of(sweep, output):
        condition = cell.folder.parent
        if condition not in first:
            first[condition] = plan[cell] = _identify(loaded, cell)
        elif first[condition].trained:
            config = first[condition].config | {"run.seed": cell.seed}
            plan[cell] = replace(first[condition], config=config)
    return plan


def _identify(loaded: Loaded, cell: Cell) -> Identity:
    try:
        settings = cell.settings
        loaded.registry.find("datasets", settings.dataset)
        overrides = (*settings.overrides, *settings.training.overrides())
        check_names(loaded.registry, cell.method, settings.encoders, overrides)
        return identify(loaded, cell)
    except AvpromptError as error:
        raise type(error)(f"In the run '{cell.name}': {error}") from error
