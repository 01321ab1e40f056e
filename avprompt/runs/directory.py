"""Run directories: whose they are, and the configuration that they keep."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import yaml

from avprompt.errors import ConfigError
from avprompt.files import replacing
from avprompt.runs.results import CONFIG_FILE
from avprompt.runs.session import Session, Settings


def claim(folder: Path, *, resume: bool) -> None:
    """Make sure that a run directory may be written to.

    Raises:
        ConfigError: it holds another run, or there is nothing to resume.
    """
    if resume:
        if not (folder / CONFIG_FILE).is_file():
            raise ConfigError(f"--resume: there is no run in '{folder}'.")
    elif (folder / CONFIG_FILE).exists():
        raise ConfigError(
            f"'{folder}' already holds a run: add --resume to continue it, or choose another --output."
        )


def check_same(session: Session, folder: Path) -> None:
    """Make sure that the run in a folder is the one that is asked for.

    Raises:
        ConfigError: it has other options.
    """
    there, asked = (folder / CONFIG_FILE).read_text(encoding="utf-8"), config_text(session)
    if _comparable(there) != _comparable(asked):
        raise ConfigError(
            f"'{folder}' holds a run with other options: choose another --output, or remove it."
        )


def default_folder(method: str, settings: Settings, *, resume: bool) -> Path:
    """Return `runs/DATASET/METHOD-seedN`, numbered on when that is taken and not to be resumed."""
    first = Path("runs") / settings.dataset / f"{Path(method).stem}-seed{settings.seed}"
    return first if resume else fresh(first)


def fresh(first: Path) -> Path:
    """Return a folder that is not there yet: `first`, or that name with a number."""
    if not first.exists():
        return first
    numbered = (first.with_name(f"{first.name}-{number}") for number in itertools.count(2))
    return next(folder for folder in numbered if not folder.exists())


def write_config(session: Session, folder: Path) -> None:
    """Write the resolved composition with the settings of the run; the file runs as a method."""
    with replacing(folder / CONFIG_FILE) as temporary:
        temporary.write_text(config_text(session), encoding="utf-8")


def config_text(session: Session) -> str:
    """Return what `config.yaml` says."""
    run = yaml.safe_dump({"run": session.settings.recorded()}, sort_keys=False, allow_unicode=True)
    return session.method_config.to_yaml() + run


def _comparable(text: str) -> Any:
    """Return what a config.yaml says without what changes no number."""
    tables = yaml.safe_load(text)
    for key in ("device", "strict", "workers", "pictures"):
        tables.get("run", {}).pop(key, None)
    tables.get("training", {}).pop("workers", None)
    return tables
