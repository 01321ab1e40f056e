"""Writing files whole: what is there is finished, whatever happened while it was written."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from avprompt.errors import DataError


@contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Give a path to write to that takes the place of `path` when all went well, and vanishes if not.

    Args:
        path: of the file.
        durable: wait until the file is on the disk, so that after a power cut the old one or the new one is
            there. What can be made again, and is checked when it is read, need not wait.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        if durable:
            _sync(temporary)
        temporary.replace(path)
        if durable:
            _sync(path.parent)  # the name, too
    finally:
        temporary.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Wait until what a file or folder holds is on the disk, where the file system can do that."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems sync no folders
            raise
    finally:
        os.close(handle)


def read_text(path: Path) -> str:
    """Return the text of a file.

    Raises:
        DataError: it is no text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"'{path}' is not text in UTF-8 (byte {error.start} fits nothing): save it so."
        ) from error


def sweep(folder: Path, ending: str) -> None:
    """Remove what a killed process left of files with that ending; no other may be writing there."""
    for leftover in folder.glob(f".*{ending}.*"):
        leftover.unlink(missing_ok=True)
