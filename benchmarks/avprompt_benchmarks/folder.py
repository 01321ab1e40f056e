"""Anyone's own clips, in one folder."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from avprompt.plugin import (
    IMAGE_SUFFIXES,
    SOUND_SUFFIXES,
    VIDEO_SUFFIXES,
    DataError,
    Frame,
    picture_length,
    read_list,
    suggest,
)
from avprompt_benchmarks.boxes import Box, read_box_table
from avprompt_benchmarks.clips import Clip, ListedBenchmark
from avprompt_benchmarks.files import Absent, Ambiguous, Files, check_names
from avprompt_benchmarks.marks import Boxes, Marks, MaskFile

RATE = 25
"""Frames a second that the frames of videos are counted at."""

SPLITS = ("train", "val", "test", "all")


class Folder(ListedBenchmark):
    """Videos, or pictures with sounds: all are drawn and can be trained on, those with a truth are scored."""

    title = "Own clips"
    citation = "none: these are your clips"
    licence = "yours"
    source = (
        "Expected layout of the data root:\n"
        "  <clip>.mp4                 a video: its sound, and the frame in the middle of its first 10 s;\n"
        "                             in the data root itself or in videos/\n"
        "  <clip>.jpg, <clip>.wav     instead of a video, or of its frame or sound alone;\n"
        "                             in the data root itself or in images/ (or frames/) and audio/\n"
        "  masks/<clip>.png           optional: not 0 where the sound comes from, any size\n"
        "  boxes.csv                  optional, instead of masks: a header clip,x0,y0,x1,y1, then a line\n"
        "                             for each box, in fractions of the picture; columns width,height\n"
        "                             may say another unit: 640,480 for pixels, 100,100 for percent\n"
        "  labels.csv                 optional: lines clip,label; names classes of sounds\n"
        "  train.txt, val.txt, test.txt\n"
        "                             optional: the clips of each split, one a line. Without test.txt all\n"
        "                             with a mask or boxes that no other list names are scored; without\n"
        "                             train.txt methods train on all that no other list names, unlabelled"
    )
    ground_truth = "the mask, inside where it is not 0; without a mask the union of the boxes"
    coordinates = "x0, y0, x1, y1 as fractions of the picture, x to the right, y down"
    broken_boxes = "boxes without width or height, or outside the picture, are refused"
    protocols: ClassVar[tuple[str, ...]] = ("val-threshold", "acl-sweep", "ezvsl-median")
    drawn_split = "all"

    def __init__(self, root: Path | None = None) -> None:
        super().__init__(root)
        if (self.root / "val.txt").is_file():
            self.validation_split = "val"
        if not any(map(self._marked, self._ids)):
            self.test_splits = ()
            self.note("no clip has a mask or boxes: all are drawn, none is scored")
        elif unmarked := sum(not self._marked(name) for name in self._ids):
            self.note(f"{unmarked} clips have neither mask nor boxes: they are drawn, not scored")

    def clips(self, split: str) -> Sequence[Clip]:
        """Return the clips of `train`, `val` or `test`, or `all` of them without truths."""
        if split not in SPLITS:
            raise DataError(f"{self.title} has no split '{split}'. {suggest(split, SPLITS)}")
        names = self._named(split)
        if not names:
            raise self.without("clips" if split in ("train", "all") else f"clips for '{split}'")
        return [self._clip(name, annotated=split in ("val", "test")) for name in names]

    def _named(self, split: str) -> list[str]:
        if split == "all":
            return self._ids
        if (listed := self._listed(split)) is not None:
            return listed
        others = [other for other in ("train", "val", "test") if other != split]
        held_out = {name for other in others for name in self._listed(other) or ()}
        names = [name for name in self._ids if name not in held_out]
        if split == "train":
            return names
        return [name for name in names if self._marked(name)] if split == "test" else []

    def _listed(self, split: str) -> list[str] | None:
        path = self.root / f"{split}.txt"
        if not path.is_file():
            return None
        names = [listed.id for listed in read_list(path).clips]
        check_names(path, names, self._ids, "a picture, sound or video")
        return names

    def _clip(self, name: str, *, annotated: bool) -> Clip:
        image, audio, video = (files.find(name) for files in (self._images, self._sounds, self._videos))
        kinds = {"picture": image, "sound": audio, "video": video, "mask": self._masks.find(name)}
        for kind, file in kinds.items():
            if isinstance(file, Ambiguous):
                return Clip(name, image, audio, unusable=file.problem(kind))
        label = self._labels.get(name, "")
        picture: Path | Frame | Absent = image
        if not isinstance(video, Absent):
            audio = video if isinstance(audio, Absent) else audio
            try:
                picture = _middle(video, self.audio_seconds) if isinstance(image, Absent) else image
            except DataError as error:
                return Clip(name, picture, audio, label=label, unusable=str(error))
        if not annotated:
            return Clip(name, picture, audio, label=label)
        marks = self._marks(name)
        return Clip(name, picture, audio, marks, label, unusable="" if marks else "neither mask nor boxes")

    def _marked(self, name: str) -> bool:
        mask = self._masks.find(name)
        return name in self._boxes or isinstance(mask, Path | Ambiguous)

    def _marks(self, name: str) -> Marks | None:
        mask = self._masks.find(name)
        if not isinstance(mask, Absent):
            return MaskFile(mask)
        return Boxes(self._boxes[name]) if name in self._boxes else None

    @property
    def _ids(self) -> list[str]:
        media = (self._images, self._sounds, self._videos)
        return sorted({name for files in media for name in files.ids()})

    @cached_property
    def _boxes(self) -> dict[str, list[Box]]:
        path = self.root / "boxes.csv"
        if not path.is_file():
            return {}
        boxes = read_box_table(path)
        check_names(path, list(boxes), self._ids, "a picture, sound or video")
        return boxes

    @cached_property
    def _labels(self) -> dict[str, str]:
        path = self.root / "labels.csv"
        if not path.is_file():
            return {}
        labels: dict[str, str] = {}
        for listed in read_list(path).clips:
            if labels.setdefault(listed.id, listed.label) != listed.label:
                raise DataError(f"'{path}' gives '{listed.id}' two labels. Remove one of the two.")
        check_names(path, list(labels), self._ids, "a picture, sound or video")
        return labels

    @cached_property
    def _images(self) -> Files:
        return Files(self.root, ("images", "frames", "."), IMAGE_SUFFIXES)

    @cached_property
    def _sounds(self) -> Files:
        return Files(self.root, ("audio", "."), SOUND_SUFFIXES)

    @cached_property
    def _videos(self) -> Files:
        return Files(self.root, ("videos", "."), VIDEO_SUFFIXES)

    @cached_property
    def _masks(self) -> Files:
        return Files(self.root, ("masks",), IMAGE_SUFFIXES)


def _middle(video: Path, seconds: float) -> Frame:
    """Return the frame in the middle of what is used of a video."""
    return Frame(video, int(picture_length(video, seconds) * RATE / 2), RATE)
