"""What one media file holds, found by reading all of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from avprompt.data.media import load_audio, read_image
from avprompt.errors import DataError
from avprompt.records import ArchiveMember, Frame


@dataclass(frozen=True)
class File:
    """A file in one of its roles: a video can be both."""

    role: Literal["picture", "sound"]
    source: Path | ArchiveMember | Frame


@dataclass(frozen=True)
class Look:
    """What a file holds.

    Attributes:
        unreadable: why it cannot be read; nothing else is known then.
        digest: of its bytes, empty for frames of videos.
        size: of a picture, (width, height).
        rate: of a sound, Hz.
        seconds: length of a sound.
    """

    unreadable: str = ""
    digest: str = ""
    size: tuple[int, int] | None = None
    rate: int | None = None
    seconds: float | None = None


def look(file: File) -> Look:
    """Read a file from its beginning to its end."""
    try:
        return _picture(file.source) if file.role == "picture" else _sound(file.source)
    except DataError as error:
        return Look(unreadable=str(error))


def _picture(source: Path | ArchiveMember | Frame) -> Look:
    height, width, _ = read_image(source).shape
    return Look(digest=_digest(source), size=(width, height))


def _sound(source: Path | ArchiveMember | Frame) -> Look:
    if isinstance(source, Frame):
        raise DataError(f"{source} is a picture.")
    audio = load_audio(source)
    if audio.samples.size == 0:
        raise DataError(f"{source} holds no sound. Get it again.")
    if not np.isfinite(audio.samples).all():
        raise DataError(f"{source} holds samples that are not finite numbers. Get it again.")
    return Look(digest=_digest(source), rate=audio.rate, seconds=audio.samples.shape[-1] / audio.rate)


def _digest(source: Path | ArchiveMember | Frame) -> str:
    if not isinstance(source, Path):
        return ""
    with source.open("rb") as file:
        return hashlib.file_digest(file, hashlib.blake2b).hexdigest()
