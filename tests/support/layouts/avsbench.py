"""AVSBench in its authors' layout and in ACL-SSL's; masks hold values that the field's loaders misread."""

from __future__ import annotations

import json
from pathlib import Path

from layouts.media import mask, picture, sound

BOX = (56, 0, 168, 112)
DOG, CAT = "dogvideo_aa", "catvideo_aa"
DUET = "duetaudio_a_0"
FRAMES = range(1, 6)
KAIST = "/mnt/somewhere/datasets/AVSbench"


def s4(root: Path) -> Path:
    """Two test clips, one of validation, one of training with a mask of its first frame alone."""
    base = root / "Single-source"
    clips = [
        (DOG, "dog_barking", "test"),
        (CAT, "cat_meowing", "test"),
        ("valvideo_aa", "cat_meowing", "val"),
    ]
    rows = [*clips, ("trainvid_aa", "dog_barking", "train")]
    base.mkdir(parents=True)
    lines = ["name,start,category,split", *(f"{name},0,{label},{split}" for name, label, split in rows)]
    (base / "s4_meta_data.csv").write_text("\n".join(lines) + "\n")
    for name, label, split in rows:
        inside = f"{split}/{label}/{name}"
        sound(base / f"s4_data/audio_wav/{split}/{label}/{name}.wav", channels=2, seconds=5)
        for number in FRAMES:
            picture(base / f"s4_data/visual_frames/{inside}/{name}_{number}.png")
            if split != "train" or number == 1:
                mask(base / f"s4_data/gt_masks/{inside}/{name}_{number}.png", BOX, value=1)
    (base / f"s4_data/gt_masks/test/cat_meowing/{CAT}/{CAT}_5.png").unlink()
    return root


def ms3(root: Path) -> Path:
    """One clip for each split; masks are palette pictures with two colours, and one is empty."""
    base = root / "Multi-sources"
    rows = [(DUET, "test"), ("duetaudio_v_1", "val"), ("duetaudio_t_2", "train")]
    base.mkdir(parents=True)
    (base / "ms3_meta_data.csv").write_text("\n".join(["name,split", *map(",".join, rows)]) + "\n")
    for name, split in rows:
        sound(base / f"ms3_data/audio_wav/{split}/{name}.wav", seconds=5)
        for number in FRAMES:
            picture(base / f"ms3_data/visual_frames/{name}/{name}.mp4_{number}.png")
            file = base / f"ms3_data/gt_masks/{split}/{name}/{name}_{number}.png"
            mask(file, BOX if number > 1 else None, value=number % 2 + 1, mode="P")
    return root


def acl(root: Path, subset: str = "s4") -> Path:
    """ACL-SSL's flat layout of test frames; the last clip of its list has no sound."""
    base, names = root / "AVS1" / subset, (CAT, DOG)
    lines = [f"{name}_{number},dog_barking" for name in names for number in FRAMES]
    (root / f"avs1_{subset}_test.csv").write_text("\n".join(lines) + "\n")
    for name in names:
        for number in FRAMES:
            picture(base / f"visual_frames/{name}_{number}.png")
            mask(base / f"gt_masks/{name}_{number}.png", BOX, value=90)
    sound(base / f"audio_wav/{CAT}.wav", seconds=5)
    return root


def s4_boxes(root: Path) -> Path:
    """SSLalignment's boxes of the same frames; one is empty, one of zero size."""
    s4(root)
    rows = []
    for name, label in ((DOG, "dog_barking"), (CAT, "cat_meowing")):
        for number in FRAMES:
            data = f"{KAIST}/Single-source/s4_data"
            rows.append(
                {
                    "image": f"{data}/visual_frames/test/{label}/{name}/{name}_{number}.png",
                    "audio": f"{data}/audio_wav/test/{label}/{name}.wav",
                    "gt_box": [56.0, 0.0, 168.0, 112.0],
                }
            )
    rows[0]["gt_box"], rows[1]["gt_box"] = [], [0.0, 0.0, 0.0, 0.0]
    (root / "s4_box.json").write_text(json.dumps(rows))
    return root


def ms3_boxes(root: Path) -> Path:
    """SSLalignment's boxes of MS3."""
    ms3(root)
    data = f"{KAIST}/Multi-sources/ms3_data"
    rows = [
        {
            "image": f"{data}/visual_frames/{DUET}/{DUET}.mp4_{number}.png",
            "audio": f"{data}/audio_wav/test/{DUET}.wav",
            "gt_box": [56.0, 0.0, 168.0, 112.0] if number > 1 else [0.0, 0.0, 0.0, 0.0],
        }
        for number in FRAMES
    ]
    (root / "ms3_box.json").write_text(json.dumps(rows))
    return root
