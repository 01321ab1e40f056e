"""Somebody's own clips."""

from __future__ import annotations

from pathlib import Path

from layouts.media import mask, picture, sound, video


def folder(root: Path) -> Path:
    """Three clips in the root: a video with a mask, a pair with two boxes, a pair with nothing."""
    video(root / "parrot.mp4")
    mask(root / "masks/parrot.png", (0, 0, 112, 224))
    picture(root / "drum.jpg", size=(90, 60))
    sound(root / "drum.wav", rate=48000, channels=2)
    picture(root / "sea.png")
    sound(root / "sea.flac", seconds=12)
    (root / "boxes.csv").write_text("clip,x0,y0,x1,y1\ndrum,0,0,0.5,0.5\ndrum,0.5,0.5,1,1\n")
    (root / "labels.csv").write_text("parrot,parrot talking\ndrum,playing drums\n")
    return root


def unmarked(root: Path) -> Path:
    """Two videos in a folder of their own, and nothing else."""
    for name in ("one", "two"):
        video(root / f"videos/{name}.mp4")
    return root
