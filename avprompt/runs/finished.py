"""A finished run as a method: what its directory brings, and what of that must be trusted first.

A run directory may come from anybody. Its numbers, tensors and names of registered parts are read as data;
the files of code that it names run only with the user's word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from avprompt.errors import ConfigError, WeightsError
from avprompt.runs.applicable import check_encoders
from avprompt.runs.directory import RunDirectory, is_run
from avprompt.runs.plugin_files import trusted_files
from avprompt.runs.results import read_results
from avprompt.runs.settings import Settings
from avprompt.weights.files import measured_sha256


def open_target(
    run_or_method: str | Path,
    checkpoint: Path | None,
    given: Mapping[str, Any],
    *,
    trust: bool = False,
) -> tuple[str, Path | None, dict[str, Any]]:
    """Return method, checkpoint and options; those of a run directory where the user gives no others.

    Args:
        run_or_method: a run directory, or a registered method or YAML file, which brings nothing.
        checkpoint: trained parts that the user names.
        given: options that the user gives.
        trust: load the plugin files that the run names, as they were when they made it.

    Raises:
        ConfigError: the run names plugin files, and the user neither names any nor trusts these; or other
            encoders are wanted than the run's own.
        DataError: the directory holds no run, or its files are damaged; or a plugin file that it names has
            changed, and there is no copy of what it was.
        WeightsError: its checkpoint is not the one that the run wrote.
    """
    if not is_run(run_or_method):
        return str(run_or_method), checkpoint, dict(given)
    directory = RunDirectory(Path(run_or_method))
    recorded = directory.recorded()
    check_encoders(directory, recorded, given)
    if not given.get("plugins"):
        check_trusted(recorded.plugins, f"The run '{directory}'", trust=trust)
    named = {Path(file).name for file in Settings.of({"plugins": given.get("plugins", ())}).plugins}
    others = [file for file in recorded.plugins if trust and Path(file).name not in named]
    options = options_of_run(recorded, given, trusted=trusted_files(directory, others))
    return str(directory.config), checkpoint or checkpoint_of_run(directory), options


def checkpoint_of_run(directory: RunDirectory) -> Path | None:
    """Return the checkpoint of a run, the very one that was written; None where nothing was trained.

    Raises:
        WeightsError: it is another file.
    """
    path = directory.checkpoint
    if not path.is_file():
        return None
    recorded = read_results(directory.path).checkpoint_sha256 if directory.results.is_file() else None
    if recorded is not None and recorded != (measured := measured_sha256(path)):
        raise WeightsError(
            f"'{path}' is not the checkpoint that the run wrote: its SHA-256 is {measured}, and "
            f"{directory.results.name} says {recorded}. Copy or make it again, or give it with --checkpoint "
            "(checkpoint= in Python) if you replaced it on purpose."
        )
    return path


def options_of_run(
    recorded: Settings, given: Mapping[str, Any], *, trusted: Sequence[str] = ()
) -> dict[str, Any]:
    """Return options for a finished run: what it was run with, under what the user gives now.

    What is known of its training stays known, and so do its overrides, which change nothing once more. The
    recorded data root only holds for the recorded dataset. Plugins that the user names come in the
    place of the recorded ones, after those that are trusted.
    """
    kept = {name: getattr(recorded, name) for name in ("dataset", "data_root", "encoders", "seed")}
    kept |= recorded.training.model_dump(exclude_none=True)
    if given.get("dataset", recorded.dataset) != recorded.dataset:
        del kept["data_root"]
    named = Settings.of({"plugins": given.get("plugins", ())}).plugins
    chosen_now = {name: value for name, value in given.items() if value is not None}
    overrides = (*recorded.overrides, *chosen_now.get("overrides", ()))
    return kept | chosen_now | {"plugins": (*trusted, *named), "overrides": overrides}


def check_trusted(files: Sequence[str], source: str, *, trust: bool) -> None:
    """Make sure that the user wants files of code to run that somebody else names.

    Args:
        files: what would run.
        source: who names them, the beginning of a sentence.
        trust: the user has said so.

    Raises:
        ConfigError: there are such files, and the user has not.
    """
    if files and not trust:
        names = ", ".join(f"'{file}'" for file in files)
        raise ConfigError(
            f"{source} names plugin files, whose code would run: {names}. Add --trust (trust=True in Python) "
            "if you trust them, or name your own with --plugin FILE (plugins=[FILE])."
        )
