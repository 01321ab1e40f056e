"""IS3 and VPO in SSLalignment's listing."""

from __future__ import annotations

import json
from pathlib import Path

from layouts.media import mask, picture, sound

IS3 = (
    "cat_dog_17_cat",
    "cat_dog_17_dog",
    "sea_lion_8_sea",
    "sea_lion_8_lion",
    "owl_ape_3_owl",
    "owl_ape_3_ape",
)
VPO = ("000000000017_101", "000000000017_202", "000000000033_303", "000000000044_404")
BOX = [10.9, 20.0, 120.0, 224.0]


def _write(root: Path, names: tuple[str, ...], folder: str, listing: str, boxes: list[list[float]]) -> None:
    rows = []
    for name, box in zip(names, boxes, strict=True):
        picture(root / f"visual_frames/{name}.jpg")
        sound(root / f"audio_wav/{name}.wav")
        paths = {
            "image": f"/mnt/{folder}/visual_frames/{name}.jpg",
            "audio": f"/mnt/{folder}/audio_wav/{name}.wav",
        }
        rows.append({**paths, "gt_box": box})
    (root / listing).write_text(json.dumps(rows))


def _write_masks(root: Path, names: tuple[str, ...], folder: str, listing: str) -> None:
    rows = json.loads((root / listing.replace("seg", "bbox")).read_text())
    for row, name in zip(rows, names, strict=True):
        mask(root / f"{folder}/{name}.jpg", (8, 16, 120, 224))
        row |= {"gt_box": f"/mnt/{folder}/{name}.jpg", "offset": 1}
    (root / listing).write_text(json.dumps(rows))


def is3(root: Path) -> Path:
    """Three pictures of two sounds; one file is missing."""
    _write(root, IS3, "synthetic3241", "synthetic3240_bbox.json", [BOX] * len(IS3))
    (root / f"audio_wav/{IS3[-1]}.wav").unlink()
    return root


def is3_masks(root: Path) -> Path:
    """The same with JPEG masks."""
    _write_masks(is3(root), IS3, "gt_segmentation", "synthetic3240_seg.json")
    return root


def vpo_ss(root: Path) -> Path:
    """Four pictures of one sound."""
    _write(root, VPO, "COCO_AV", "vpo_ss_bbox.json", [BOX] * len(VPO))
    return root


def vpo_ms(root: Path) -> Path:
    """Two sounds share a picture; one box has no size."""
    _write(root, VPO, "COCO_AV_MS", "vpo_ms_bbox.json", [BOX, BOX, BOX, [0.0] * 4])
    return root


def vpo_ss_masks(root: Path) -> Path:
    """The first with JPEG masks."""
    _write_masks(vpo_ss(root), VPO, "gray_masks", "vpo_ss_seg.json")
    return root


def vpo_ms_masks(root: Path) -> Path:
    """The second with JPEG masks."""
    _write_masks(vpo_ms(root), VPO, "gray_masks", "vpo_ms_seg.json")
    return root
