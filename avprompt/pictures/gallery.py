"""Galleries: a dozen clips with what was found in them, for one method or several side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avprompt.data.media import resize_image
from avprompt.files import Shape, read_arrays, replacing
from avprompt.metrics.iou import TruthMasks, iou_at
from avprompt.pictures.overlay import colour, overlay, spotlight, stretch
from avprompt.pictures.sheet import CELL, Cell, Row, Sheet
from avprompt.records import Sample

LEGEND, SCALE = "white line: ground truth; blue line: mask of the heatmap", "heatmap"
CLIPS_FILE = "gallery.npz"
SHAPES: dict[str, Shape] = {
    "id": ("N",),
    "label": ("N",),
    "image": ("N", "H", "W", 3),
    "truth": ("N", "h", "w"),
    "heatmap": ("N", "h", "w"),
}


@dataclass(frozen=True)
class GalleryClip:
    """One clip for the gallery: `image` (H, W, 3) uint8, `truth` and `heatmap` (h, w), its id and label."""

    id: str
    label: str
    image: np.ndarray
    truth: np.ndarray
    heatmap: np.ndarray


@dataclass(frozen=True)
class DrawnClip:
    """A clip without a truth: `image` (H, W, 3) uint8, `heatmap` (h, w), its id and label."""

    id: str
    label: str
    image: np.ndarray
    heatmap: np.ndarray


def evenly(count: int, most: int) -> set[int]:
    """Return at most so many of `count` places, spread evenly."""
    return set(np.linspace(0, count - 1, min(most, count)).round().astype(int).tolist())


def gallery_places(samples: Sequence[Sample], most: int, clips: Sequence[str] = ()) -> set[int]:
    """Return the places of the clips that are shown: those of some ids, or at most so many, spread evenly."""
    if not clips:
        return evenly(len(samples), most)
    wanted = set(clips)
    return {place for place, sample in enumerate(samples) if sample.id in wanted}


def write_gallery(path: Path, clips: Sequence[GalleryClip], title: str = "", threshold: float = 0.5) -> None:
    """Write a contact sheet (PNG): image, ground truth, heatmap and overlay of each clip.

    Args:
        path: of the picture.
        clips: what to show, a row each.
        title: what was run, such as "souple on toy".
        threshold: that makes a mask of a heatmap for the IoU in the caption.
    """
    rows = [
        Row(
            clip.label or clip.id,
            f"IoU {_iou(clip, threshold):.2f}",
            (
                Cell(_image(clip)),
                Cell(spotlight(_image(clip), clip.truth)),
                Cell(colour(stretch(clip.heatmap, (CELL, CELL)))),
                Cell(overlay(_image(clip), clip.heatmap, clip.truth, threshold)),
            ),
            clip.id,
        )
        for clip in clips
    ]
    columns = ("image", "ground truth", "heatmap", "overlay")
    remark = f"IoU of the heatmap at threshold {threshold:.2f} with the ground truth"
    _save(Sheet(title or "Where the sound comes from", remark, columns, rows, LEGEND, SCALE), path)


def write_drawn(path: Path, clips: Sequence[DrawnClip], title: str) -> None:
    """Write a contact sheet (PNG) of clips without truth: image, heatmap and overlay of each."""
    rows = []
    for clip in clips:
        image = resize_image(clip.image, CELL)
        heat = Cell(colour(stretch(clip.heatmap, (CELL, CELL))))
        cells = (Cell(image), heat, Cell(overlay(image, clip.heatmap)))
        rows.append(Row(clip.label or clip.id, f"peak {clip.heatmap.max():.2f}", cells, clip.id))
    remark = "Without ground truth: these clips have none"
    _save(Sheet(title, remark, ("image", "heatmap", "overlay"), rows, scale=SCALE), path)


def write_comparison(
    path: Path,
    methods: Mapping[str, Sequence[GalleryClip]],
    title: str = "",
    thresholds: Mapping[str, float] | None = None,
) -> None:
    """Write a contact sheet (PNG): the same clips under every method, with the IoU of each.

    Args:
        path: of the picture.
        methods: the clips of each method by its name, all of the same clips in the same order.
        title: what was run.
        thresholds: that make masks of each method's heatmaps; 0.5 where none is given.

    Raises:
        ValueError: the methods do not show the same clips.
    """
    shown = {tuple(clip.id for clip in clips) for clips in methods.values()}
    if len(shown) != 1:
        raise ValueError(f"methods show different clips: {sorted(methods)}")
    at = {name: (thresholds or {}).get(name, 0.5) for name in methods}
    rows = []
    for clips in zip(*methods.values(), strict=True):
        first = clips[0]
        overlays = [
            Cell(overlay(_image(clip), clip.heatmap, clip.truth, at[name]), f"{_iou(clip, at[name]):.2f}")
            for name, clip in zip(methods, clips, strict=True)
        ]
        given = Cell(_image(first)), Cell(spotlight(_image(first), first.truth))
        rows.append(Row(first.label or first.id, "", (*given, *overlays), first.id))
    remark = "In the corner: IoU of the heatmap with the ground truth, at threshold " + _each(at)
    columns = ("image", "ground truth", *methods)
    _save(Sheet(title or "The same clips, side by side", remark, columns, rows, LEGEND, SCALE), path)


def save_clips(folder: Path, clips: Sequence[GalleryClip]) -> None:
    """Write clips as `gallery.npz`."""
    arrays: dict[str, np.ndarray] = {
        "id": np.array([clip.id for clip in clips]),
        "label": np.array([clip.label for clip in clips]),
    }
    for name in ("image", "truth", "heatmap"):
        values = np.stack([getattr(clip, name) for clip in clips])
        arrays[name] = values if values.dtype == np.uint8 else values.astype(np.float16)
    with replacing(folder / CLIPS_FILE) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def load_clips(folder: Path) -> list[GalleryClip]:
    """Read the clips of a run; an empty list where it kept none.

    Raises:
        DataError: the file is damaged.
    """
    path = folder / CLIPS_FILE
    if not path.is_file():
        return []
    arrays = read_arrays(path, SHAPES)
    return [
        GalleryClip(
            str(arrays["id"][k]),
            str(arrays["label"][k]),
            arrays["image"][k],
            arrays["truth"][k].astype(np.float32),
            arrays["heatmap"][k].astype(np.float32),
        )
        for k in range(len(arrays["id"]))
    ]


def _save(sheet: Sheet, path: Path) -> None:
    with replacing(path) as temporary:
        sheet.draw().save(temporary, "PNG")


def _each(thresholds: Mapping[str, float]) -> str:
    if len(set(thresholds.values())) == 1:
        return f"{next(iter(thresholds.values())):.2f}"
    return ", ".join(f"{value:.2f} ({name})" for name, value in thresholds.items())


def _image(clip: GalleryClip) -> np.ndarray:
    return resize_image(clip.image, CELL)


def _iou(clip: GalleryClip, threshold: float) -> float:
    iou = iou_at(clip.heatmap[None], TruthMasks(clip.truth[None]), np.array([threshold]))
    return float(iou[0, 0])
