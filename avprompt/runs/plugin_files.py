"""The plugin files of a run: known by their SHA-256, kept in its directory, and taken from there again.

Each plugin has a folder of its own in `plugins`, named as its file is, with that file and the YAML beside it
that it registered: `plugins/mine/mine.py`. Names here are paths inside of `plugins`.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path

from avprompt.errors import ConfigError, DataError, listed
from avprompt.files import replacing
from avprompt.plugin.discovery import Loaded
from avprompt.plugin.single_file import sha256
from avprompt.runs.directory import RunDirectory
from avprompt.runs.results import read_results


def checksums(loaded: Loaded) -> dict[str, str]:
    """Return the SHA-256 of everything that was read of plugin files, by name."""
    return {name: sha256(content) for name, content in loaded.files().items()}


def keep_copies(loaded: Loaded, directory: RunDirectory) -> None:
    """Write what was read of plugin files into the run directory, and remove other copies there."""
    files = {directory.plugins / name: content for name, content in loaded.files().items()}
    for path, content in files.items():
        with replacing(path) as temporary:
            temporary.write_bytes(content)
    for path in _kept(directory) - files.keys():
        path.unlink()


def check_unchanged(loaded: Loaded, directory: RunDirectory) -> None:
    """Make sure that a run goes on with the plugin files that it began with; warn where nobody can tell.

    Raises:
        ConfigError: one of them has changed; the message names it and both ways out.
    """
    kept, now = _checksums_of_copies(directory) or _recorded(directory), checksums(loaded)
    if not kept:  # a run of a release that kept none, or its copies are gone
        if now:
            names = listed([f"'{name}'" for name in now])
            warnings.warn(
                f"Nobody can tell whether the run in '{directory}' began with these plugin files ({names}): "
                f"'{directory.plugins}' holds no copies.",
                stacklevel=2,
            )
        return
    if changed := sorted(name for name in kept | now if kept.get(name) != now.get(name)):
        names = listed([f"'{name}'" for name in changed])
        raise ConfigError(
            f"Plugin files have changed since the run in '{directory}' began ({names}), and it cannot go on "
            f"with other code: choose another --output, or name the copies in '{directory.plugins}' with "
            "--plugin (plugins=[FILE] in Python)."
        )


def trusted_files(directory: RunDirectory, files: Iterable[str]) -> tuple[str, ...]:
    """Return where plugin files are that a run names, the very ones that made it.

    That is where they were, or else the copies in the run directory; a warning says so.

    Raises:
        DataError: neither is what made the run.
    """
    recorded = _recorded(directory) or _checksums_of_copies(directory)
    return tuple(str(_same_file(directory, Path(file), recorded)) for file in files)


def _same_file(directory: RunDirectory, file: Path, recorded: Mapping[str, str]) -> Path:
    folder = f"{file.stem}/"
    own = {name.removeprefix(folder): digest for name, digest in recorded.items() if name.startswith(folder)}
    copies = directory.plugins / file.stem
    if not (changed := _changed(file.parent, own)):  # or nothing is known, in a run of an earlier release
        return file
    first = f"'{file.parent / changed[0]}' " + (
        "has changed since the run was made" if (file.parent / changed[0]).is_file() else "is gone"
    )
    if lost := _changed(copies, own):
        raise DataError(
            f"{first}, and its copy '{copies / lost[0]}' is not what made the run. Bring back the file whose "
            "SHA-256 is recorded, or name a plugin file of yours with --plugin (plugins=[FILE] in Python)."
        )
    warnings.warn(f"{first}: the copy in '{copies}' is used.", stacklevel=2)
    return copies / file.name


def _changed(folder: Path, digests: Mapping[str, str]) -> list[str]:
    """Return the files of a folder that are not those of the digests, or not there."""
    return [name for name, digest in digests.items() if _digest(folder / name) != digest]


def _digest(path: Path) -> str | None:
    return sha256(path.read_bytes()) if path.is_file() else None


def _recorded(directory: RunDirectory) -> dict[str, str]:
    return read_results(directory.path).plugin_files if directory.results.is_file() else {}


def _checksums_of_copies(directory: RunDirectory) -> dict[str, str]:
    places = {path.relative_to(directory.plugins).as_posix(): path for path in sorted(_kept(directory))}
    return {name: sha256(path.read_bytes()) for name, path in places.items()}


def _kept(directory: RunDirectory) -> set[Path]:
    """Return the copies in a run directory; compiled code and what is half-written are none."""
    files = (path for path in directory.plugins.rglob("*") if path.is_file())
    return {path for path in files if path.suffix != ".pyc" and not path.name.startswith(".")}
