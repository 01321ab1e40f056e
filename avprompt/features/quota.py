"""The space that features may take on disk, and what is evicted when it is used up.

Epochs come back to every clip once, so pushing out what was used longest ago would push out all that is
needed next. Only what this run has not used is evicted; when there is no more of that, the rest stays.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

SUFFIX = ".safetensors"

_SCANS = 64
"""How often the folder is scanned again, for what others have written, while its limit is written once."""

_ABANDONED_AFTER = 3600.0
"""Seconds after which a temporary file belongs to nobody: writing one takes a blink."""


class Quota:
    """Keeps the bytes under a folder below a limit, as well as one of several writers can."""

    def __init__(self, folder: Path, limit: int, opened: int) -> None:
        """Look at the folder.

        Args:
            folder: of all entries.
            limit: bytes.
            opened: when this run began, nanoseconds; what was used since then stays.
        """
        self.folder, self.limit, self.opened = folder, limit, opened
        self._scan()

    def reserve(self, size: int) -> bool:
        """Count an entry of so many bytes, and evict others for it; False where that is not enough."""
        if size > self.limit:
            return False
        if self.written > self.limit // _SCANS:
            self._scan()
        while self.total + size > self.limit:
            if not self.unused:
                return False
            self._evict(*self.unused.pop())
        self.total += size
        self.written += size
        return True

    def _scan(self) -> None:
        self.written, self.total = 0, 0
        self.unused: list[tuple[int, int, Path]] = []
        for path, stat in walk(self.folder):
            if path.name.startswith("."):
                _remove_abandoned(path, stat)
            elif path.name.endswith(SUFFIX):
                self.total += stat.st_size
                if stat.st_mtime_ns < self.opened:
                    self.unused.append((stat.st_mtime_ns, stat.st_size, path))
        self.unused.sort(reverse=True)  # the oldest comes off the end

    def _evict(self, used: int, size: int, path: Path) -> None:
        """Remove an entry, unless somebody has used it since it was seen."""
        try:
            if path.stat().st_mtime_ns > used:
                return
            path.unlink()
        except FileNotFoundError:
            pass  # another writer was quicker
        self.total -= size


def walk(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield the files under a folder with what the system knows of them; what vanishes is left out."""
    try:
        with os.scandir(folder) as scan:
            entries = list(scan)
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from walk(Path(entry.path))
            continue
        with suppress(FileNotFoundError):
            yield Path(entry.path), entry.stat(follow_symlinks=False)


def _remove_abandoned(path: Path, stat: os.stat_result) -> None:
    """Remove a temporary file that a killed process left."""
    if time.time() - stat.st_mtime > _ABANDONED_AFTER:
        path.unlink(missing_ok=True)
