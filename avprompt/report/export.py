"""A run as a folder that the Hugging Face hub understands, and that avprompt reads back as a run."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from avprompt.config.tables import Table, dump
from avprompt.errors import DataError
from avprompt.files import read_text, replacing
from avprompt.report.card import model_card
from avprompt.runs.directory import RunDirectory, check_nothing_lost
from avprompt.runs.finished import checkpoint_of_run
from avprompt.runs.results import read_results
from avprompt.weights.hub_run import CARD, FILES

MARK = "library_name: avprompt"
"""Stands in the card of every export."""


def check_export(folder: Path) -> None:
    """Make sure that an export may be written here: into no folder, an empty one, or an earlier export.

    Raises:
        ConfigError: it holds somebody's files.
    """
    card = folder / CARD
    if not (card.is_file() and MARK in read_text(card)):
        check_nothing_lost(folder, "export")


def export_run(run: Path, folder: Path, *, name: str | None = None, licence: str | None = None) -> Path:
    """Write a finished run as a folder for the hub.

    Paths of this machine do not leave it: of files only their names are written, and no data root.

    Args:
        run: its directory.
        folder: where it goes; an earlier export there is written over.
        name: of the repository that it is meant for, `user/name`.
        licence: of the trained parts, as the hub spells it.

    Raises:
        ConfigError: `folder` holds somebody's files.
        DataError: no finished run, or a damaged one.
        WeightsError: its checkpoint is not the one that it wrote.
    """
    result, directory = read_results(run), RunDirectory(run)
    if not directory.config.is_file():
        raise DataError(
            f"'{run}' cannot be exported: there is no {directory.config.name}, so no method, in it."
        )
    if checkpoint_of_run(directory) is None and result.checkpoint_sha256:
        raise DataError(f"'{run}' cannot be exported: its {directory.checkpoint.name} is gone.")
    check_export(folder)
    tables = _without_paths(directory.tables())
    tables["run"]["data_root"] = None
    files = {path.relative_to(run): path for pattern in FILES for path in sorted(run.glob(pattern))}
    files |= {path.relative_to(run): path for path in sorted(directory.plugins.rglob("*")) if path.is_file()}
    files = {place: path for place, path in files.items() if path.is_file() and path != directory.config}
    _remove_earlier(folder)
    for place, path in files.items():
        with replacing(folder / place) as temporary:
            shutil.copyfile(path, temporary)
    card = model_card(result, tables, name=name, licence=licence, gallery=directory.gallery.is_file())
    RunDirectory(folder).write_config(dump(tables))
    with replacing(folder / CARD) as temporary:
        temporary.write_text(card, encoding="utf-8")
    return folder


def _remove_earlier(folder: Path) -> None:
    """Remove the files of an earlier export, and no others."""
    for pattern in FILES:
        for path in folder.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _without_paths(value: Any) -> Any:
    """Return nested tables in which absolute paths are the names of their files."""
    if isinstance(value, dict):
        return Table({name: _without_paths(inner) for name, inner in value.items()})
    if isinstance(value, list):
        return [_without_paths(inner) for inner in value]
    return Path(value).name if isinstance(value, str) and Path(value).is_absolute() else value
