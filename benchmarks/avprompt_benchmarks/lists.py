"""Lists of ids as the field's repositories publish them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from avprompt.plugin import DataError


@dataclass(frozen=True)
class ListedClip:
    """One line of a list: the clip's id, and its label where the list gives one in words."""

    id: str
    label: str = ""


def read_list(path: Path) -> list[ListedClip]:
    """Read `id` or `id,label` lines without a header.

    Some lists of SoundNet-Flickr give the number of a class that they do not name; it is no label.

    Raises:
        DataError: the file is missing or not text.
    """
    rows = ([cell.strip() for cell in row] for row in _rows(path))
    return [ListedClip(row[0], _in_words(row[1]) if len(row) > 1 else "") for row in rows]


def read_table(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Read a csv file whose first line names its columns.

    Raises:
        DataError: the file is missing or not text, or lacks one of `columns`.
    """
    header, *rows = _rows(path) or [[]]
    names = [name.strip() for name in header]
    absent = [name for name in columns if name not in names]
    if absent:
        raise DataError(f"'{path}' has no column '{absent[0]}'; it has {', '.join(names)}.")
    if any(len(row) != len(names) for row in rows):
        raise DataError(f"'{path}' has lines with more or fewer than its {len(names)} columns.")
    return [dict(zip(names, (cell.strip() for cell in row), strict=True)) for row in rows]


def _rows(path: Path) -> list[list[str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return [row for row in csv.reader(file) if row and row[0].strip()]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"The list '{path}' cannot be read: {error}") from error


def _in_words(label: str) -> str:
    return "" if label.isdigit() else label
