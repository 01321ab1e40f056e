"""Lists of ids as they are published, and the clips that two of them share, however either spells them.

A list is lines of text, a table, or JSON. It is kept entry by entry, to be written again.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from avprompt.errors import DataError
from avprompt.files import replacing
from avprompt.registry import Registry

ID_COLUMNS = ("id", "file", "video", "audio", "image", "name", "vid", "uid")
"""Columns and keys that hold ids; both of a pair count, as in lists of a picture and a foreign sound."""

MEDIA_SUFFIXES = (".wav", ".flac", ".mp3", ".jpg", ".jpeg", ".png", ".mp4", ".webm")

Spelling = Callable[[str], str]
"""Brings the spellings of an id to one."""


@dataclass(frozen=True)
class Row:
    """One entry of a list: the ids that it names, and itself as it was read, text or JSON."""

    ids: tuple[str, ...]
    entry: Any


@dataclass(frozen=True)
class IdList:
    """A list of clips; `header` is the line above a table's rows."""

    path: Path
    rows: tuple[Row, ...]
    header: str = ""

    def write(self, path: Path, rows: Sequence[Row]) -> None:
        """Write some of the rows in the list's own format."""
        with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            if self.path.suffix == ".json":
                json.dump([row.entry for row in rows], file)
            else:
                file.write(self.header + "".join(row.entry for row in rows))


@dataclass(frozen=True)
class Leak:
    """What a training list shares with a test list.

    Attributes:
        leaking: rows of the training list that name test clips.
        clean: all its other rows.
        leaked_clips: how many clips of the test list the training list names.
        test_clips: how many clips the test list names.
    """

    leaking: tuple[Row, ...]
    clean: tuple[Row, ...]
    leaked_clips: int
    test_clips: int


def find_leak(train: IdList, test: IdList, spelling: Spelling) -> Leak:
    """Look for the clips of a test list in a training list."""
    test_ids = {spelling(name) for row in test.rows for name in row.ids}
    shared = [({spelling(name) for name in row.ids} & test_ids, row) for row in train.rows]
    return Leak(
        leaking=tuple(row for ids, row in shared if ids),
        clean=tuple(row for ids, row in shared if not ids),
        leaked_clips=len(set().union(*(ids for ids, _ in shared))),
        test_clips=len(test_ids),
    )


def common_spelling(registry: Registry) -> Spelling:
    """Return the spelling of all registered benchmarks: each brings its own ids to one spelling."""
    spellings = {registry.load("datasets", name).spell: None for name in registry.names("datasets")}

    def spell(name: str) -> str:
        for spelling in spellings:
            name = spelling(name)
        return name

    return spell


def read_ids(path: Path) -> IdList:
    """Read a list: `id` or `id,label` lines, a table with a header, or JSON such as vggss.json.

    Raises:
        DataError: the file is missing, or no such list.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            text = file.read()
        entries = json.loads(text) if path.suffix == ".json" else None
    except (OSError, ValueError) as error:
        raise DataError(f"The list '{path}' cannot be read: {error}") from error
    return _from_lines(path, text) if path.suffix != ".json" else IdList(path, _from_json(path, entries))


def _from_json(path: Path, entries: Any) -> tuple[Row, ...]:
    if not isinstance(entries, list):
        raise DataError(f"'{path}' is no list of clips, but JSON of another kind.")
    rows = []
    for entry in entries:
        named = entry if isinstance(entry, dict) else {"id": entry}
        ids = tuple(_bare(str(named[key])) for key in ID_COLUMNS if key in named)
        if not ids:
            raise DataError(f"'{path}' has an entry without any of {', '.join(ID_COLUMNS)}: {entry!r:.80}")
        rows.append(Row(ids, entry))
    return tuple(rows)


def _from_lines(path: Path, text: str) -> IdList:
    lines = [line for line in text.splitlines(keepends=True) if line.strip()]
    cells = [[cell.strip() for cell in row] for row in csv.reader(lines)]
    if len(cells) != len(lines):
        raise DataError(f"'{path}' has quoted cells of several lines, which no list of ids has.")
    if not lines:
        return IdList(path, ())
    names = [name.lower() for name in cells[0]]
    header = int(names[0] in ID_COLUMNS)
    columns = [column for column, name in enumerate(names) if name in ID_COLUMNS] if header else [0]
    if not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    rows = [
        Row(tuple(_bare(row[column]) for column in columns if column < len(row)), line)
        for row, line in zip(cells[header:], lines[header:], strict=True)
    ]
    return IdList(path, tuple(rows), "".join(lines[:header]))


def _bare(name: str) -> str:
    """Return an id; of the path of a media file, the file's name without its ending."""
    path = PurePosixPath(name)
    return path.stem if path.suffix.lower() in MEDIA_SUFFIXES else name
