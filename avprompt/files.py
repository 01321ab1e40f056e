"""Files whole or none, whatever happens while they are written, and folders with one writer at a time."""

from __future__ import annotations

import errno
import os
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from avprompt.errors import ConfigError, DataError

if TYPE_CHECKING:
    import numpy as np

try:
    import fcntl
except ImportError:  # Windows, where nobody is kept out
    fcntl = None  # type: ignore[assignment]

Shape = tuple[str | int, ...]
"""Of an array: sizes, or names of axes whose size is not known before."""

_ROOM = "Make room, and give the same command again; a run that has begun training goes on with --resume."
_RIGHTS = "Choose a folder that you may write to (--output, AVPROMPT_HOME), or have its permissions changed."
_FILE = "A part of this path is a file where a folder is needed: choose another."
_DEVICE = "The disk, or the connection to it, fails: look after it, and give the same command again."
_ADVICE = {
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: _ROOM,
    errno.EFBIG: _ROOM,
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.EROFS: _RIGHTS,
    errno.ENOTDIR: _FILE,
    errno.EEXIST: _FILE,
    errno.EISDIR: "A file is needed here, not a folder: choose another name.",
    errno.ENOENT: "Look at the spelling of the path.",
    errno.ENAMETOOLONG: "Choose a shorter name.",
    errno.EMFILE: "Let processes open more (`ulimit -n 4096`), or use fewer --workers.",
    errno.EIO: _DEVICE,
    errno.ESTALE: _DEVICE,
}

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
    temporary = None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        temporary.chmod(0o644)
        if durable:
            _sync(temporary)
        temporary.replace(path)
        if durable:
            _sync(path.parent)  # the name, too
    except OSError as error:
        named = error.filename and not Path(os.fspath(error.filename)).name.startswith(f".{path.name}.")
        if error.errno is not None and not named:
            error.filename, error.filename2 = str(path), None  # which is what the user knows
        raise
    finally:
        if temporary is not None:
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


@contextmanager
def file_errors(path: Path | None = None) -> Iterator[None]:
    """Say in words for people what the system says of a file or folder; also a decorator.

    Args:
        path: of the file, where the system may not name it, as when it is full in the middle of a file.

    Raises:
        DataError: a file or folder cannot be read or written; names it, and what to do.
    """
    try:
        yield
    except OSError as error:
        number = error.errno or 0
        if number not in _ADVICE:  # such as a reader that has gone
            raise
        name = error.filename or path
        place = "A file" if name is None else f"'{os.fspath(name)}'"
        notes = getattr(error, "__notes__", [])
        message = [f"{place}: {os.strerror(number).lower()}.", _ADVICE[number], *notes]
        raise DataError(" ".join(message)) from error


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """Return all arrays of an `.npz` file.

    Raises:
        DataError: it is damaged, or holds more than arrays.
    """
    import numpy as np

    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return {name: np.asarray(arrays[name]) for name in arrays.files}
    except OSError:
        raise
    except Exception as error:  # numpy and zipfile raise whatever the damage leads to
        reason = " ".join(str(error).split())[:200].rstrip(".") or "it is empty"
        if "pickle" in reason:  # numpy goes on with how to switch the protection off
            reason = "it must be an npz of numbers and text, not of objects"
        raise DataError(f"'{path}' cannot be read: {reason}.") from error


def read_arrays(path: Path, shapes: Mapping[str, Shape]) -> dict[str, np.ndarray]:
    """Return certain arrays of an `.npz` file.

    Args:
        path: of the file.
        shapes: of the arrays, by name; axes of one name have one size.

    Raises:
        DataError: it is damaged, lacks an array, or has one of another shape.
    """
    arrays = read_npz(path)
    if absent := [name for name in shapes if name not in arrays]:
        raise DataError(f"'{path}' cannot be read: there is no '{absent[0]}' in it.")
    sizes: dict[str | int, int] = {}
    for name, shape in shapes.items():
        actual = arrays[name].shape
        expected = [sizes.get(axis, axis) for axis in shape]
        pairs = zip(expected, actual, strict=False)
        if len(actual) != len(shape) or any(axis != size for axis, size in pairs if isinstance(axis, int)):
            raise DataError(f"'{path}' cannot be read: '{name}' in it has the shape {actual}.")
        sizes |= {axis: size for axis, size in zip(shape, actual, strict=True) if isinstance(axis, str)}
    return {name: arrays[name] for name in shapes}


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
