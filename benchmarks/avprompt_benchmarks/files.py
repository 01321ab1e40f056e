"""Finding files in a data root, however a repository has laid them out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from pathlib import Path

from avprompt.plugin import DataError


class Absent(str):
    """A file that is not there, by the name that it should have."""

    def problem(self, kind: str) -> str:
        """Say why there is no such picture, sound or mask."""
        return f"no {kind}: {self} is not there"


class Ambiguous(Absent):
    """Several files where one should be, by their names: nobody says which is meant."""

    def problem(self, kind: str) -> str:
        """Say what to do about it."""
        return f"more than one {kind}: {self}. Keep one of them"


class Files:
    """The files of some folders by id; each folder is listed once, so that large ones cost little."""

    def __init__(
        self,
        root: Path,
        folders: Sequence[str],
        endings: Sequence[str],
        spell: Callable[[str], str] = str,
        inside: Sequence[str] = (),
    ) -> None:
        """Look for files.

        Args:
            root: of the data.
            folders: under the root, `.` for itself, in order of preference; they need not be there.
            endings: of the files, in lower case.
            spell: turns the stem of a file's name into an id.
            inside: patterns of a file in a folder that is called by the id, in order of preference.
        """
        present = [folder for folder in folders if (root / folder).is_dir()]
        self.pattern = f"{(present or folders)[0]}/{{}}{endings[0]}".removeprefix("./")
        self.folders = [root / folder for folder in present]
        self.endings, self.spell, self.inside = endings, spell, inside

    def find(self, name: str) -> Path | Absent:
        """Return the file of an id, where there is one in the first folder that has any."""
        paths = self._by_id.get(name, [])
        if len(paths) > 1:
            return Ambiguous(" and ".join(path.name for path in paths))
        if paths and paths[0].suffix.lower() in self.endings:
            return paths[0]
        matches = (sorted(path.glob(pattern)) for path in paths for pattern in self.inside)
        return next((files[0] for files in matches if files), Absent(self.pattern.format(name)))

    def ids(self) -> list[str]:
        """Return the ids that have a file, sorted."""
        return sorted(self._by_id)

    @cached_property
    def _by_id(self) -> dict[str, list[Path]]:
        by_id: dict[str, list[Path]] = {}
        for folder in self.folders:
            here: dict[str, list[Path]] = defaultdict(list)
            for path in sorted(folder.iterdir()):
                if path.suffix.lower() in self.endings:
                    here[self.spell(path.stem)].append(path)
                elif self.inside and path.is_dir():
                    here[self.spell(path.name)].append(path)
            by_id = {**here, **by_id}
        return by_id


def check_names(path: Path, listed: Sequence[str], present: Collection[str], what: str) -> None:
    """Make sure that a list names something that is there, so that two spellings do not pass for a loss.

    Args:
        path: of the list.
        listed: the clips that it names, as the benchmark spells them.
        present: the clips that are there; without any there is nothing to compare.
        what: what is there of them, for the message.

    Raises:
        DataError: the list names no clip, or none that is there; the message has one of each side.
    """
    if not listed:
        raise DataError(f"'{path}' names no clip.")
    if present and not any(name in present for name in listed):
        raise DataError(
            f"None of the {len(listed):,} clips of '{path}' has {what}: the list names clips such as "
            f"'{listed[0]}', there is {what} of clips such as '{next(iter(present))}'. Use the list of this "
            "data, or spell its ids like that."
        )


def first_existing(root: Path, names: Sequence[str]) -> Path | None:
    """Return the first of several files that is there."""
    return next((root / name for name in names if (root / name).is_file()), None)


def existing(root: Path, names: Sequence[str]) -> Path | Absent:
    """Return the first of several files that is there, or the name of the first."""
    return first_existing(root, names) or Absent(names[0])


def first_folder(root: Path, names: Sequence[str]) -> Path:
    """Return the first of several folders that is there, or else the root."""
    return next((root / name for name in names if (root / name).is_dir()), root)


def find_annotation(root: Path, names: Sequence[str]) -> Path | None:
    """Return the first of several annotation files in the root, or else in a folder right under it."""
    under = sorted(path for path in root.iterdir() if path.is_dir())
    paths = (first_existing(folder, names) for folder in (root, *under))
    return next((path for path in paths if path), None)
