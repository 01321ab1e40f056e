"""The clips that a run shows, kept beside its results so that pictures can be drawn again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from avprompt.evaluation.measure import Shown
from avprompt.files import replacing

FILE = "gallery.npz"


def write_shown(folder: Path, clips: Sequence[Shown]) -> None:
    """Write clips as `gallery.npz`."""
    arrays: dict[str, np.ndarray] = {
        "id": np.array([clip.id for clip in clips]),
        "label": np.array([clip.label for clip in clips]),
    }
    for name in ("image", "truth", "heatmap"):
        values = np.stack([getattr(clip, name) for clip in clips])
        arrays[name] = values if values.dtype == np.uint8 else values.astype(np.float16)
    with replacing(folder / FILE) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def read_shown(folder: Path) -> list[Shown]:
    """Read the clips of a run; an empty list where it kept none."""
    path = folder / FILE
    if not path.is_file():
        return []
    with np.load(path, allow_pickle=False) as arrays:
        return [
            Shown(
                str(arrays["id"][k]),
                str(arrays["label"][k]),
                arrays["image"][k],
                arrays["truth"][k].astype(np.float32),
                arrays["heatmap"][k].astype(np.float32),
            )
            for k in range(len(arrays["id"]))
        ]
