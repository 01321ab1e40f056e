"""Keys of contents: the hash of a sound or an image, by which an encoder's features of it are found.

Of a sound the bytes of its file are hashed, before anything is decoded; images are hashed as the encoder
takes them.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from avprompt.data.sources import read_bytes
from avprompt.errors import DataError
from avprompt.records import ArchiveMember, Audio, SoundSource, StreamedFile


def sound_key(source: SoundSource, rate: int, seconds: float) -> str:
    """Return the key of a sound as the encoder takes it: its first seconds at that rate.

    Args:
        source: a file, whose bytes count whatever its name, or decoded audio.
        rate: of the waveform that the encoder takes, Hz.
        seconds: length of that waveform.

    Raises:
        DataError: the file cannot be read.
    """
    digest = start_digest("sound", rate, float(seconds))
    if isinstance(source, Audio):
        samples = np.ascontiguousarray(source.samples, dtype=np.float32)
        digest.update(repr((source.rate, samples.shape)).encode())
        digest.update(samples)
    elif isinstance(source, ArchiveMember | StreamedFile):
        digest.update(read_bytes(source))
    else:
        _update_from_file(digest, source)
    return str(digest.hexdigest())


def image_key(image: np.ndarray) -> str:
    """Return the key of an image (H, W, 3) uint8 as the encoder takes it, resized and cut out."""
    digest = start_digest("image", image.shape)
    digest.update(np.ascontiguousarray(image))
    return str(digest.hexdigest())


def start_digest(*context: object) -> Any:
    """Start a digest with what the content alone does not say, such as the rate that a sound is read at."""
    return hashlib.blake2b(repr(context).encode(), digest_size=16)


def _update_from_file(digest: Any, path: Path) -> None:
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except FileNotFoundError:
        raise DataError(f"{path} does not exist.") from None
    except OSError as error:
        raise DataError(f"{path} is not a file that can be read ({error}). Get it again.") from error
