"""Lists of ids as they are published: lines of text, tables, JSON; kept line by line to be written again."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from avprompt.errors import DataError
from avprompt.files import replacing

ID_COLUMNS = ("id", "file", "video", "audio", "image", "name", "vid", "uid")
"""Columns and keys that hold ids; both of a pair count, as in lists of a picture and a foreign sound."""

MEDIA = (".wav", ".flac", ".mp3", ".jpg", ".jpeg", ".png", ".mp4", ".webm")


@dataclass(frozen=True)
class Row:
    """One entry of a list: the ids that it names, and itself as it was found, text or JSON."""

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


def read_ids(path: Path) -> IdList:
    """Read a list: `id` or `id,label` lines, a table with a header, or JSON such as vggss.json.

    Raises:
        DataError: the file is missing, or no such list.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            text = file.read()
        rows = _json(path, json.loads(text)) if path.suffix == ".json" else None
    except (OSError, ValueError) as error:
        raise DataError(f"The list '{path}' cannot be read: {error}") from error
    return _lines(path, text) if rows is None else IdList(path, rows)


def _json(path: Path, entries: Any) -> tuple[Row, ...]:
    if not isinstance(entries, list):
        raise DataError(f"'{path}' is no list of clips, but JSON of another kind.")
    rows = []
    for entry in entries:
        named = entry if isinstance(entry, dict) else {"id": entry}
        ids = tuple(bare(str(named[key])) for key in ID_COLUMNS if key in named)
        if not ids:
            raise DataError(f"'{path}' has an entry without any of {', '.join(ID_COLUMNS)}: {entry!r:.80}")
        rows.append(Row(ids, entry))
    return tuple(rows)


def _lines(path: Path, text: str) -> IdList:
    lines = [line for line in text.splitlines(keepends=True) if line.strip()]
    cells = [[cell.strip() for cell in row] for row in csv.reader(lines)]
    if len(cells) != len(lines):
        raise DataError(f"'{path}' has quoted cells of several lines, which no list of ids has.")
    if not lines:
        return IdList(path, ())
    names = [name.lower() for name in cells[0]]
    columns = [column for column, name in enumerate(names) if name in ID_COLUMNS]
    header = int(names[0] in ID_COLUMNS)
    if not header:
        columns = [0]
    if not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    rows = [
        Row(tuple(bare(row[column]) for column in columns if column < len(row)), line)
        for row, line in zip(cells[header:], lines[header:], strict=True)
    ]
    return IdList(path, tuple(rows), "".join(lines[:header]))


def bare(name: str) -> str:
    """Return an id; of the path of a media file, the file's name without its ending."""
    path = PurePosixPath(name)
    return path.stem if path.suffix.lower() in MEDIA else name
