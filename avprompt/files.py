"""Files whole or none, whatever happens while they are written, and folders with one writer at a time."""

from __future__ import annotations

import errno
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from avprompt.errors import ConfigError, DataError

try:
    import fcntl
except ImportError:  # Windows, where nobody is kept out
    fcntl = None  # type: ignore[assignment]

_held: set[Path] = set()  # the system lets a process lock again what it has locked already


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


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep all others from a folder while this process writes there.

    The system takes the lock back when the process ends, however it ends: a file that is left locks nothing.
    A file system that knows no locks keeps nobody out.

    Args:
        path: of the lock file; its folder is made, and is removed again if nothing was written there.

    Raises:
        ConfigError: another process holds the lock; the message says which, and on what machine.
    """
    new = not path.parent.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = _lock(path)
    _held.add(path.resolve())
    try:
        os.truncate(handle, 0)
        os.write(handle, f"process {os.getpid()} on {socket.gethostname()}".encode())
        yield
    finally:
        _held.discard(path.resolve())
        path.unlink(missing_ok=True)  # still locked, so that it is not another's
        os.close(handle)
        if new:
            with suppress(OSError):  # it is not empty
                path.parent.rmdir()


def check_unlocked(path: Path) -> None:
    """Make sure that no process holds a lock file, which need not be there.

    Raises:
        ConfigError: one does; the message says which, and on what machine.
    """
    if path.exists():
        os.close(_lock(path))


def _lock(path: Path) -> int:
    """Open and lock a file; who locks it must not close another handle of it, which would unlock it."""
    if path.resolve() in _held:
        raise _busy(path)
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            if fcntl is not None:
                fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EAGAIN):
                os.close(handle)
                raise _busy(path) from error
            # else the file system knows no locks
        if path.exists() and os.path.samestat(os.fstat(handle), path.stat()):
            return handle
        os.close(handle)  # its owner has removed it meanwhile


def _busy(path: Path) -> ConfigError:
    owner = path.read_text(errors="replace")
    return ConfigError(
        f"Another process writes to '{path.parent}': {owner or 'one that has just begun'}. Wait for its end, "
        "or choose another folder."
    )
