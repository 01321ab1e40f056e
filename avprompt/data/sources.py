"""The bytes of media files, in files of their own or in archives, and errors that name them."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from avprompt.errors import DataError
from avprompt.records import FileSource, StreamedFile

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")
SOUND_SUFFIXES = (".wav", ".flac", ".mp3", ".ogg", ".m4a")
VIDEO_SUFFIXES = (".mp4", ".webm", ".mkv", ".avi", ".mov", ".m4v", ".flv")
"""How the names of media files end, in lower case; the first of each is the usual one."""

_PIXELS_VARIABLE = "AVPROMPT_MAX_PIXELS"
"""The environment variable that allows larger pictures; it reaches all processes that read."""

_DEFAULT_PIXELS = 100_000_000
"""Pixels of a picture, at most: a file of a few kB may claim so many that no memory holds them."""


def read_bytes(source: FileSource) -> bytes:
    """Return what a file holds.

    Raises:
        DataError: it is missing or cannot be read.
    """
    with naming(source, "file"):
        if isinstance(source, StreamedFile):
            return source.data
        if isinstance(source, Path):
            return source.read_bytes()
        with source.archive.open("rb") as archive:
            archive.seek(source.offset)
            return archive.read(source.size)


def opened(source: FileSource) -> Path | io.BytesIO:
    """Give what a decoder takes: the file's path, or the bytes of a file in an archive."""
    return source if isinstance(source, Path) else io.BytesIO(read_bytes(source))


def limit_pixels(source: FileSource, width: int, height: int) -> None:
    """Refuse a picture that is too large to be decoded.

    Raises:
        DataError: it has more pixels than `$AVPROMPT_MAX_PIXELS`, 100 million unless that is set.
    """
    asked = os.environ.get(_PIXELS_VARIABLE, "").replace("_", "")
    if asked and not asked.isdecimal():
        raise DataError(f"{_PIXELS_VARIABLE} must be a number of pixels, not '{asked}'.")
    most = int(asked or _DEFAULT_PIXELS)
    if width * height > most:
        raise DataError(
            f"{source} has {width} x {height} pixels, more than {most:,}. Make it smaller, or allow it: "
            f"{_PIXELS_VARIABLE}={width * height}"
        )


@contextmanager
def naming(source: FileSource, kind: str) -> Iterator[None]:
    """Turn whatever a decoder raises into a `DataError` with the file's name."""
    try:
        yield
    except DataError:
        raise
    except Exception as error:  # Decoders of broken files raise nearly every class there is.
        if isinstance(error, FileNotFoundError) or (isinstance(source, Path) and not source.exists()):
            raise DataError(f"{source} does not exist.") from None
        if isinstance(source, Path) and source.is_file() and source.stat().st_size == 0:
            raise DataError(f"{source} is an empty file. Get it again.") from None
        reason = getattr(error, "strerror", None) or error  # without the path, which FFmpeg says again
        reason = " ".join(str(reason).split())[:200]  # some decoders write a page
        raise DataError(f"{source} is not a {kind} that can be read ({reason}). Get it again.") from error
