"""Lists of clips as the field publishes them: lines of ids, tables with or without a header, JSON.

One reader for all of them. A list is kept entry by entry, to be written again.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from avprompt.data.sources import IMAGE_SUFFIXES, SOUND_SUFFIXES, VIDEO_SUFFIXES
from avprompt.errors import DataError
from avprompt.files import replacing

ID_COLUMNS = (
    *("id", "file", "filename", "file_name", "video", "audio", "image", "name", "clip", "clip_id", "vid"),
    *("uid", "video_id", "youtube_id", "ytid", "wav"),
)
"""Columns and keys that hold ids; both of a pair count, as in lists of a picture and a foreign sound."""

START_COLUMNS = ("start", "start_second", "start_seconds", "start_sec", "start_time")
"""Where a clip starts in its video, seconds: it is a part of the id where the list spells that without."""

LABEL_COLUMNS = ("label", "class", "category")

FIRST_COLUMNS = (*ID_COLUMNS, *START_COLUMNS, *LABEL_COLUMNS, "split", "", "index", "unnamed:_0")
"""How the first column of a header may be called; tables that number their rows call it by the last three."""

MEDIA_SUFFIXES = (*IMAGE_SUFFIXES, *SOUND_SUFFIXES, *VIDEO_SUFFIXES)

SCALARS = (str, int, float)
"""What ids and starts are in JSON."""

_VIDEO = re.compile(r"(?!\d{11})[\w-]{11}")  # SoundNet-Flickr's eleven digits are whole ids
_SECONDS = re.compile(r"\d+(\.\d+)?")


@dataclass(frozen=True)
class ListedClip:
    """One entry of a list.

    Attributes:
        ids: the clip that it names, or of a pair the picture's and the foreign sound's. A video's id and the
            second where the clip starts are joined by an underscore.
        label: of the clip, where the list gives one in words. Numbers of classes are none.
        entry: itself as it was read, text or JSON.
    """

    ids: tuple[str, ...]
    label: str = ""
    entry: Any = None

    @property
    def id(self) -> str:
        """The clip, or the first of a pair."""
        return self.ids[0]


@dataclass(frozen=True)
class ClipList:
    """A list of clips; `header` is what stands above them, in JSON the key that they are under."""

    path: Path
    clips: tuple[ListedClip, ...]
    header: str = ""

    def write(self, path: Path, clips: Sequence[ListedClip]) -> None:
        """Write some of the clips in the list's own format."""
        with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            entries = [clip.entry for clip in clips]
            if self.path.suffix == ".json":
                json.dump({self.header: entries} if self.header else entries, file)
            else:
                file.write(self.header + "".join(entries))


class _Row(NamedTuple):
    """A line of a table."""

    number: int
    line: str
    cells: list[str]


def read_list(path: Path) -> ClipList:
    """Read a list of clips in any format of the field.

    Lines are `id`, `id,label`, `id,start,label,split` as in VGGSound's own csv, `id,start,end,label` as in
    AudioSet's, or have a header, commented out or not, that names the columns. JSON is a list of ids or of
    objects, or that list under the key `data`. Lines that begin with `#` and empty ones are passed over. Of a
    path of a media file the name counts.

    Raises:
        DataError: the file is missing, or no such list; the message has the line.
    """
    return _from_json(path) if path.suffix == ".json" else _from_table(path)


def read_table(path: Path, columns: Sequence[str]) -> dict[int, dict[str, str]]:
    """Read a csv file whose first line names its columns; returns rows by the number of their line.

    Raises:
        DataError: the file is missing or not text, or lacks one of `columns`.
    """
    header, *rows = list(_rows(path)) or [_Row(1, "", [])]
    names = [name.strip("# ") for name in header.cells]
    absent = [name for name in columns if name not in names]
    if absent:
        raise DataError(f"'{path}' has no column '{absent[0]}'; it has {', '.join(names)}.")
    for row in rows:
        if len(row.cells) != len(names):
            raise DataError(f"'{path}', line {row.number}, has more or fewer than its {len(names)} columns.")
    return {row.number: dict(zip(names, row.cells, strict=True)) for row in rows}


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        DataError: it is missing or no JSON, or nested so deep that no annotation is.
    """
    try:
        return json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise DataError(f"'{path}' cannot be read as JSON ({error}). Get it again.") from error


def read_text(path: Path) -> str:
    """Read a text file, with a byte-order mark or without; line ends stay as they are.

    Raises:
        DataError: it is missing, or not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise DataError(f"'{path}' cannot be read: {error}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"'{path}' cannot be read: it is not UTF-8 text ({error}). Save it so.") from error


def _from_table(path: Path) -> ClipList:
    rows = list(_rows(path))
    names, above = _header(rows)
    clips = [_listed(row, names, path) for row in rows[above:] if not row.cells[0].startswith("#")]
    return ClipList(path, tuple(clips), "".join(row.line for row in rows[:above]))


def _from_json(path: Path) -> ClipList:
    entries, header = read_json(path), ""
    if isinstance(entries, dict) and isinstance(entries.get("data"), list):
        entries, header = entries["data"], "data"
    if not isinstance(entries, list):
        raise DataError(f"'{path}' is no list of clips, but JSON of another kind.")
    clips = []
    for entry in entries:
        items = (entry if isinstance(entry, dict) else {"id": entry}).items()
        clip = _clip({key.lower(): str(value) for key, value in items if isinstance(value, SCALARS)}, entry)
        if not any(clip.ids):
            raise DataError(f"'{path}' has an entry without any of {', '.join(ID_COLUMNS)}: {entry!r:.80}")
        clips.append(clip)
    return ClipList(path, tuple(clips), header)


def _rows(path: Path) -> Iterator[_Row]:
    """Give the lines that are not empty."""
    lines = list(io.StringIO(read_text(path), newline=""))
    delimiter = "\t" if lines and "\t" in lines[0] else ","
    for number, line in enumerate(lines, start=1):
        try:
            cells = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True, strict=True), [])
        except csv.Error as error:
            raise DataError(
                f"'{path}', line {number}, cannot be read ({error}). Close its quotes: no list of ids has "
                "cells of several lines."
            ) from error
        if any(cell.strip() for cell in cells):
            yield _Row(number, line if line[-1:] in "\r\n" else line + "\n", [cell.strip() for cell in cells])


def _header(rows: Sequence[_Row]) -> tuple[list[str], int]:
    """Return the names of the columns, where a header gives them, and how many lines are above the clips."""
    for above, row in enumerate(rows):
        names = [cell.strip("# ").lower().replace(" ", "_") for cell in row.cells]
        if names[0] in FIRST_COLUMNS and not set(names).isdisjoint(ID_COLUMNS):
            return names, above + 1
        if not row.cells[0].startswith("#"):
            return [], above
    return [], len(rows)


def _listed(row: _Row, names: Sequence[str], path: Path) -> ListedClip:
    """Return the clip of a line, whose columns have names or the places that they have in the field."""
    clip = _clip(dict(zip(names or _places(row.cells), row.cells, strict=False)), row.line)
    if not all(clip.ids) or not clip.ids:
        raise DataError(f"'{path}', line {row.number}, names no clip: {row.line.strip()!r:.80}")
    return clip


def _places(cells: Sequence[str]) -> tuple[str, ...]:
    """Name the columns of a line without a header, as far as they are known."""
    if len(cells) < 3 or not _SECONDS.fullmatch(cells[1]):
        return ("id", "label")
    return ("id", "start", "end", "label") if _SECONDS.fullmatch(cells[2]) else ("id", "start", "label")


def _clip(named: Mapping[str, str], entry: Any) -> ListedClip:
    start = next((named[column] for column in START_COLUMNS if column in named), "")
    label = next((named[column] for column in LABEL_COLUMNS if column in named), "")
    ids = [_bare(named[column]) for column in ID_COLUMNS if column in named]
    if _SECONDS.fullmatch(start):
        ids = [f"{name}_{start}" if _VIDEO.fullmatch(name) else name for name in ids]
    return ListedClip(tuple(ids), "" if _SECONDS.fullmatch(label) else label, entry)


def _bare(name: str) -> str:
    """Return an id; of the path of a media file, the file's name without its ending."""
    path = PurePosixPath(name.replace("\\", "/"))
    return path.stem if path.suffix.lower() in MEDIA_SUFFIXES else name
