"""Benchmarks in SSLalignment's listing: a JSON of pictures, sounds, and a box or a mask for each pair.

The listing holds absolute paths on its authors' machine, of which the last part counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import ClassVar

import numpy as np

from avprompt.plugin import IMAGE_SUFFIXES, SOUND_SUFFIXES, DataError, read_json, suggest
from avprompt_benchmarks.clips import Clip, ListedBenchmark, box_marked
from avprompt_benchmarks.files import Absent, Files, find_annotation
from avprompt_benchmarks.ids import image_id
from avprompt_benchmarks.marks import MaskFile

Pair = tuple[PurePosixPath, PurePosixPath, object]
"""Picture, sound, and what the listing says of the source: a box, or the path of a mask."""

SIDE = 224.0
"""Side of the pictures that the boxes are drawn in, pixels."""

MASK_RULE = "the mask, inside where a JPEG is > 127 or another file is not 0"


def read_pairs(path: Path) -> Iterator[Pair]:
    """Read a listing, `[{"image": path, "audio": path, "gt_box": box or path}, ..]`.

    Raises:
        DataError: the file is missing or no such listing.
    """
    try:
        for entry in read_json(path):
            yield PurePosixPath(entry["image"]), PurePosixPath(entry["audio"]), entry["gt_box"]
    except (KeyError, TypeError) as error:
        raise DataError(f"'{path}' is not a listing of pictures, sounds and boxes: {error!r}") from error


def with_foreign_sounds(clips: Sequence[Clip]) -> list[Clip]:
    """Give every clip a sound of a class that its picture does not show, where classes are known.

    The choice is drawn with a fixed seed, and is the same whatever files are missing.
    """
    shown: dict[str, set[str]] = {}
    for clip in clips:
        shown.setdefault(clip.group, set()).add(clip.label)
    order = np.random.default_rng(0).permutation(len(clips))
    paired = []
    for start, clip in enumerate(clips):
        others = (clips[order[(start + k) % len(clips)]] for k in range(len(clips)))
        sound = next(
            (other.audio for other in others if other.label and other.label not in shown[clip.group]), None
        )
        paired.append(replace(clip, off_screen=sound if isinstance(sound, Path) else None))
    return paired


class Interactive(ListedBenchmark):
    """Base of IS3 and VPO: pictures with several sources, each heard alone in a sample of its own.

    Attributes:
        listings: names that the listing may have; the first is the published one.
        pictures, sounds, masks: folders, in order of preference.
    """

    ground_truth = "the box filled: corners truncated to whole pixels of 224 x 224; 1 inside"
    coordinates = "x0, y0, x1, y1 in pixels of the picture at 224 x 224, x to the right, y down"
    protocols: ClassVar[tuple[str, ...]] = (
        "kaist-interactive",
        "val-threshold",
        "acl-sweep",
        "kaist-adaptive",
    )
    listings: ClassVar[tuple[str, ...]]
    pictures: ClassVar[tuple[str, ...]] = ("visual_frames", "images")
    sounds: ClassVar[tuple[str, ...]] = ("audio_wav", "audio")
    masks: ClassVar[tuple[str, ...]] = ("gt_masks", "gt_segmentation", "gray_masks")

    def clips(self, split: str) -> Sequence[Clip]:
        """Return every pair of `test`; `train` is the same, without annotation."""
        if split not in ("train", "test"):
            raise DataError(f"{self.title} has no split '{split}'. {suggest(split, ('train', 'test'))}")
        if split == "train":
            self.note(f"{self.title} is a test set: trained on its own pairs, without boxes")
        path = find_annotation(self.root, self.listings)
        if path is None:
            raise self.without(self.listings[0])
        return with_foreign_sounds(
            [self._clip(pair, path, training=split == "train") for pair in read_pairs(path)]
        )

    def label(self, name: str) -> str:
        """Return the class of a sample, as far as its name has it."""
        del name
        return ""

    def _clip(self, pair: Pair, path: Path, *, training: bool) -> Clip:
        picture, sound, source = pair
        name = picture.stem
        image, audio = self._pictures.find(name), self._sounds.find(sound.stem)
        clip = Clip(name, image, audio, label=self.label(name), group=image_id(name))
        if training:
            return clip
        if not isinstance(source, str):
            return box_marked(clip, source, path.name, SIDE)
        mask = self._masks.find(PurePosixPath(source).stem)
        if isinstance(mask, Absent):
            return replace(clip, unusable=mask.problem("mask"))
        return replace(clip, marks=MaskFile(mask))

    @cached_property
    def _pictures(self) -> Files:
        return Files(self.root, self.pictures, IMAGE_SUFFIXES)

    @cached_property
    def _sounds(self) -> Files:
        return Files(self.root, self.sounds, SOUND_SUFFIXES)

    @cached_property
    def _masks(self) -> Files:
        return Files(self.root, self.masks, IMAGE_SUFFIXES)
