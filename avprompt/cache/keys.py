"""What features are found by: the content of a sound or an image, and the encoder that heard or saw it.

Contents are hashed as they are found, before anything is decoded or resampled.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import torch

from avprompt.errors import DataError
from avprompt.media import read_bytes
from avprompt.model.parts import Part as MethodPart
from avprompt.records import Audio, Member, Part

FORMAT = 1
"""Part of every fingerprint; a change in what is stored, or how sounds are read, makes all keys new."""


def sound_key(source: Path | Part | Member | Audio, rate: int, seconds: float) -> str:
    """Return the key of a sound's content as it is heard: its first seconds at that rate.

    Args:
        source: a file, whose bytes count whatever its name, or decoded audio.
        rate: of the waveform that the encoder takes, Hz.
        seconds: length of that waveform.

    Raises:
        DataError: the file cannot be read.
    """
    digest = _digest("sound", rate, float(seconds))
    if isinstance(source, Audio):
        samples = np.ascontiguousarray(source.samples, dtype=np.float32)
        digest.update(repr((source.rate, samples.shape)).encode())
        digest.update(samples)
    elif isinstance(source, Part | Member):
        digest.update(read_bytes(source))
    else:
        _update_from_file(digest, source)
    return str(digest.hexdigest())


def image_key(image: np.ndarray) -> str:
    """Return the key of an image (H, W, 3) uint8 as the encoder sees it, resized and cut out."""
    digest = _digest("image", image.shape)
    digest.update(np.ascontiguousarray(image))
    return str(digest.hexdigest())


def fingerprint(part: MethodPart, *, precision: str) -> str:
    """Return the hash of an encoder: class, options, weights, and the precision it computes in."""
    digest = _digest(FORMAT, describe(part, precision=precision))
    for name, value in part.state_dict().items():
        digest.update(repr((name, str(value.dtype), tuple(value.shape))).encode())
        digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return str(digest.hexdigest())


def describe(part: MethodPart, *, precision: str) -> str:
    """Say in words what a fingerprint is of, weights aside."""
    kind = type(part)
    names = "float32" if precision == "no" else precision
    return f"{kind.__module__}.{kind.__qualname__} in {names}, {part.config.model_dump_json()}"


def _digest(*about: object) -> Any:
    return hashlib.blake2b(repr(about).encode(), digest_size=16)


def _update_from_file(digest: Any, path: Path) -> None:
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except FileNotFoundError:
        raise DataError(f"{path} does not exist.") from None
    except OSError as error:
        raise DataError(f"{path} is not a file that can be read ({error}). Get it again.") from error
