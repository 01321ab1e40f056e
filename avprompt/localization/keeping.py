"""What is kept of a video's maps beside the video: boxes and confidences as JSON, the maps as npz.

Both are written map by map, and take no more memory for an hour than for a second.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from avprompt.errors import ConfigError
from avprompt.files import replacing
from avprompt.localization.boxes import boxes_of
from avprompt.localization.maps import TimedMap

Saved = Literal["json", "npz"]
"""What may be kept, by the suffix of its file."""

Keeper = Callable[[TimedMap], None]


def checked_saved(save: Sequence[str]) -> list[str]:
    """Return what a user wants to be kept, each once, or say what there is."""
    known = get_args(Saved)
    if isinstance(save, str) or not set(save) <= set(known):
        raise ConfigError(f"save takes a list of {' and '.join(map(repr, known))}, not {save!r}.")
    return list(dict.fromkeys(save))


@contextmanager
def keeping_boxes(path: Path, about: dict[str, Any], threshold: float) -> Iterator[Keeper]:
    """Write a JSON file: what it is about, and under `maps` time, confidence, peak and boxes of each map.

    `peak` is x, y and value of the hottest point, `boxes` are x0, y0, x1, y1 of each region of the mask, the
    largest first. Places are fractions of the picture.

    Args:
        path: of the file.
        about: what stands before the maps.
        threshold: of the mask.
    """
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        head = json.dumps({**about, "threshold": threshold}, ensure_ascii=False, indent=1)
        file.write(head.removesuffix("\n}") + ',\n "maps": [')
        separator = "\n  "

        def keep(each: TimedMap) -> None:
            nonlocal separator
            height, width = each.heatmap.shape
            row, column = np.unravel_index(each.heatmap.argmax(), each.heatmap.shape)
            entry = {
                "time": round(each.time, 4),
                "confidence": round(each.confidence, 4),
                "peak": _rounded((column + 0.5) / width, (row + 0.5) / height, each.heatmap.max()),
                "boxes": [_rounded(*box) for box in boxes_of(each.heatmap, threshold)],
            }
            file.write(separator + json.dumps(entry))
            separator = ",\n  "

        yield keep
        file.write("\n ]\n}\n")


@contextmanager
def keeping_maps(path: Path, count: int, size: tuple[int, int]) -> Iterator[Keeper]:
    """Write an npz file: `heatmap` (N, h, w) float16 in 0..1, `time` (N,) seconds and `confidence` (N,).

    Args:
        path: of the file.
        count: N, of the maps that will come.
        size: h and w.
    """
    numbers: list[tuple[float, float]] = []
    header = {"descr": "<f2", "fortran_order": False, "shape": (count, *size)}
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.compresslevel = 1
        with archive.open("heatmap.npy", "w", force_zip64=True) as file:
            np.lib.format.write_array_header_1_0(file, header)

            def keep(each: TimedMap) -> None:
                numbers.append((each.time, each.confidence))
                file.write(each.heatmap.astype("<f2").tobytes())

            yield keep
        for name, column in zip(("time", "confidence"), np.array(numbers).T, strict=True):
            with archive.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array(file, column)


def _rounded(*values: float) -> list[float]:
    return [round(float(value), 4) for value in values]
