"""AVATAR: videos, and for some of their frames the outlines of what sounds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from layouts.media import picture, sound, video

SINGLE, MIXED = "singlevid_a_000010", "mixedvid__a_000020"
SQUARE = [[32.0, 0.0], [64.0, 0.0], [64.0, 32.0], [32.0, 32.0]]
LEFT = [0, 0, 32, 0, 32, 48, 0, 48]


def frame(path: Path, *annotations: dict[str, Any]) -> Path:
    """The annotation of one frame of 64 x 48 pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"original_width": 64, "original_height": 48, "annotations": list(annotations)}
    path.write_text(json.dumps(content))
    return path


def avatar(root: Path) -> Path:
    """Both spellings of polygons, a frame of two scenarios, one off screen, and a broken annotation."""
    dog = {"task": "Single-sound", "segmentation": [SQUARE], "bbox": [32, 0, 32, 32], "category": "dog"}
    cat = {"task": "Mixed-sound", "segmentation": [LEFT], "category": "cat"}
    owl = {"task": "Mixed-sound", "segmentation": [SQUARE, [[1, 1], [2, 2]]], "category": "owl"}
    frame(root / f"metadata/{SINGLE}/2.json", dog)
    frame(
        root / f"metadata/{SINGLE}/00010.json", {"task": "Off-Screen", "category": "man", "segmentation": []}
    )
    frame(root / f"metadata/{MIXED}/5.json", cat, owl)
    frame(root / f"metadata/{MIXED}/9.json", dog, cat)
    (root / f"metadata/{MIXED}/11.json").write_text('{"annotations": []}')
    for name in (SINGLE, MIXED):
        video(root / f"video/{name}.mp4", size=(64, 48))
    frame(root / "metadata/gonevideo_a_000030/1.json", dog)
    training = ("trainclip_a_000001", "trainclip_b_000002")
    (root / "vggsound_10k.txt").write_text("\n".join(training) + "\n")
    for name in training:
        picture(root / f"frames/{name}.jpg")
        sound(root / f"audio/{name}.wav")
    return root
