"""Lists of ids as the field's repositories publish them."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from avprompt.errors import DataError


@dataclass(frozen=True)
class Listed:
    """One line of a list: the clip's id, and its label where the list gives one."""

    id: str
    label: str = ""


def read_list(path: Path) -> list[Listed]:
    """Read `id` or `id,label` lines without a header.

    Raises:
        DataError: the file is missing or not text.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.reader(file) if row and row[0].strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"The list '{path}' cannot be read: {error}") from error
    return [Listed(row[0].strip(), row[1].strip() if len(row) > 1 else "") for row in rows]


def first_existing(root: Path, names: tuple[str, ...]) -> Path | None:
    """Return the first of several files that is there."""
    return next((root / name for name in names if (root / name).is_file()), None)
