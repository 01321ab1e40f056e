"""The sound that a method is given: its own or an altered one, so that anyone sees whether it listens."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from avprompt.data.inputs import InputSpec, noise
from avprompt.errors import DataError
from avprompt.records import Audio

Altered = Literal["its own", "silence", "noise", "another clip's"]
ALTERED: tuple[Altered, ...] = ("its own", "silence", "noise", "another clip's")


def heard(sound: str | None, other: str | None, altered: Altered, spec: InputSpec) -> Path | Audio:
    """Return the sound that is heard with a picture.

    Args:
        sound: file of the picture's own.
        other: file of another clip's.
        altered: which is asked for.
        spec: how the method takes sounds.

    Raises:
        DataError: the sound that is asked for was not given.
    """
    if altered == "silence":
        return Audio(np.zeros(round(spec.rate * spec.seconds), np.float32), spec.rate)
    if altered == "noise":
        return noise(spec, seed=0)
    asked = other if altered == "another clip's" else sound
    if asked is None:
        raise DataError(f"There is no sound: upload or record {altered.replace('its own', 'one')}.")
    return Path(asked)
