"""AVSBench-object: single-source (S4) and multi-source (MS3) clips with a mask for each of five frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from avprompt.plugin import DataError, Media, PublishedScores, Split, read_list, read_table, suggest
from avprompt_benchmarks.clips import Clip, ListedBenchmark
from avprompt_benchmarks.files import Absent, existing, find_annotation, first_folder
from avprompt_benchmarks.ids import avsbench_id
from avprompt_benchmarks.marks import MaskFile
from avprompt_benchmarks.published import published

FRAMES = range(1, 6)
"""The last frame of each of a clip's five seconds."""


@dataclass(frozen=True)
class ListedFrame:
    """One frame that a list names."""

    video: str
    number: int
    split: str
    label: str

    @property
    def id(self) -> str:
        """The frame's name in both layouts, but for the `.mp4` of MS3."""
        return f"{self.video}_{self.number}"


def clip_and_number(name: str, path: Path) -> tuple[str, int]:
    """Return the clip of a frame, and which frame of it this is, by the frame's name in a list.

    Raises:
        DataError: it is not called like a frame; the message names the list, `path`.
    """
    video, _, number = avsbench_id(name).rpartition("_")
    if not video or number not in map(str, FRAMES):
        raise DataError(f"'{path}' names '{name}', which is no frame of a clip, <clip>_<1..5>.")
    return video, int(number)


class AVSBench(ListedBenchmark):
    """Base of S4 and MS3: five frames a clip, each a sample with all of the clip's 5 s of sound.

    Attributes:
        folders: where `visual_frames` and the rest may be, under the data root.
        table: the official list of clips, with their splits.
        acl_list: ACL-SSL's list of test frames.
    """

    citation = "Zhou et al., Audio-Visual Segmentation, ECCV 2022, arXiv 2207.05042"
    licence = "the data is given out on request by its authors; the videos belong to theirs on YouTube"
    ground_truth = (
        "the mask of the frame, inside where it is not 0 (the field's loaders misread other values)"
    )
    empty_truths = True
    audio_seconds = 5.0
    spell = staticmethod(avsbench_id)
    media = Media(rate=16_000, seconds=5, size=(224, 224))
    protocols: ClassVar[tuple[str, ...]] = ("avsbench-dataset", "avsbench-official")
    folders: ClassVar[tuple[str, ...]]
    table: ClassVar[str]
    acl_list: ClassVar[str]

    def __init__(self, root: Path | None = None) -> None:
        super().__init__(root)
        self.base = first_folder(self.root, self.folders)
        if self._table is not None:
            self.validation_split = "val"

    def split(self, name: str) -> Split:
        """Return one split; tells when the official evaluator would have batched its frames otherwise."""
        split = super().split(name)
        batched = name == "test" and "avsbench-official" in self.protocols
        if batched and (split.missing or self._table is None):
            reason = (
                "frames are missing" if split.missing else f"{self.table} is not there, which orders them"
            )
            self.note(f"test: {reason}, so the batches of avsbench-official are not the official ones")
        return split

    def clips(self, split: str) -> Sequence[Clip]:
        """Return every frame of `train`, `val` or `test`; in `train` none is annotated."""
        if split not in ("train", "val", "test"):
            raise DataError(
                f"{self.title} has no split '{split}'. {suggest(split, ('train', 'val', 'test'))}"
            )
        listed = list(self.listed(split))
        if not listed and split == "train":
            self.note("no training clips in the data root: trained on the test frames, without masks")
            listed = list(self.listed("test"))
        return [self.clip(frame, training=split == "train") for frame in listed]

    def listed(self, split: str) -> Iterator[ListedFrame]:
        """Return the frames of a split, in the official order where the official list is there."""
        if self._table is not None:
            for row in self._table:
                if row["split"] == split:
                    video, label = next(iter(row.values())), row.get("category", "")
                    yield from (ListedFrame(video, number, split, label) for number in FRAMES)
            return
        path = find_annotation(self.root, (self.acl_list,))
        if path is None:
            raise self.without(f"{self.table} (or {self.acl_list})")
        for listed in read_list(path).clips if split == "test" else ():
            yield ListedFrame(*clip_and_number(listed.id, path), split, listed.label)

    def clip(self, frame: ListedFrame, *, training: bool) -> Clip:
        """Find the files of a frame."""
        image = self._find("visual_frames", self.frame_names(frame))
        audio = self._find("audio_wav", self.audio_names(frame))
        clip = Clip(frame.id, image, audio, label=frame.label.replace("_", " "), group=frame.video)
        if training:
            return clip
        mask = self._find("gt_masks", self.mask_names(frame))
        if isinstance(mask, Absent):
            return replace(clip, unusable=mask.problem("mask"))
        return replace(clip, marks=MaskFile(mask))

    def frame_names(self, frame: ListedFrame) -> tuple[str, ...]:
        """Return the names that a frame's picture may have under `visual_frames`."""
        raise NotImplementedError

    def audio_names(self, frame: ListedFrame) -> tuple[str, ...]:
        """Return the names that a frame's sound may have under `audio_wav`."""
        return (f"{frame.split}/{frame.video}.wav", f"{frame.video}.wav")

    def mask_names(self, frame: ListedFrame) -> tuple[str, ...]:
        """Return the names that a frame's mask may have under `gt_masks`."""
        return (f"{frame.split}/{frame.video}/{frame.id}.png", f"{frame.id}.png")

    def _find(self, folder: str, names: Sequence[str]) -> Path | Absent:
        return existing(self.base, [f"{folder}/{name}" for name in names])

    @cached_property
    def _table(self) -> list[dict[str, str]] | None:
        beside = [path for path in (self.base, self.base.parent, self.root) if path.is_dir()]
        paths = (find_annotation(folder, (self.table,)) for folder in beside)
        path = next((path for path in paths if path), None)
        return None if path is None else list(read_table(path, ("split",)).values())


class S4(AVSBench):
    """One source a clip, 23 classes."""

    title = "AVSBench S4"
    source = (
        "Expected layout of the data root, as its authors send it:\n"
        "  Single-source/s4_meta_data.csv\n"
        "  Single-source/s4_data/visual_frames/<split>/<category>/<clip>/<clip>_<1..5>.png\n"
        "  Single-source/s4_data/audio_wav/<split>/<category>/<clip>.wav\n"
        "  Single-source/s4_data/gt_masks/<split>/<category>/<clip>/<clip>_<1..5>.png\n"
        "or as ACL-SSL has it, test frames alone, in the data root or in AVS1/:\n"
        "  avs1_s4_test.csv\n"
        "  s4/{visual_frames,gt_masks}/<clip>_<1..5>.png, s4/audio_wav/<clip>.wav"
    )
    expected: ClassVar[Mapping[str, int]] = {"test": 3700}
    published: ClassVar[Sequence[PublishedScores]] = published("avsbench-s4")
    folders = ("Single-source/s4_data", "s4_data", "AVS1/s4", "s4")
    table = "s4_meta_data.csv"
    acl_list = "avs1_s4_test.csv"

    def frame_names(self, frame: ListedFrame) -> tuple[str, ...]:
        """Return the names in the official layout and in ACL-SSL's."""
        return (f"{frame.split}/{frame.label}/{frame.video}/{frame.id}.png", f"{frame.id}.png")

    def audio_names(self, frame: ListedFrame) -> tuple[str, ...]:
        """Return the names in the official layout and in ACL-SSL's."""
        return (f"{frame.split}/{frame.label}/{frame.video}.wav", f"{frame.video}.wav")

    def mask_names(self, frame: ListedFrame) -> tuple[str, ...]:
        """Return the same names as the picture's."""
        return self.frame_names(frame)


class MS3(AVSBench):
    """Several sources a clip."""

    title = "AVSBench MS3"
    source = (
        "Expected layout of the data root, as its authors send it:\n"
        "  Multi-sources/ms3_meta_data.csv\n"
        "  Multi-sources/ms3_data/visual_frames/<clip>/<clip>.mp4_<1..5>.png\n"
        "  Multi-sources/ms3_data/audio_wav/<split>/<clip>.wav\n"
        "  Multi-sources/ms3_data/gt_masks/<split>/<clip>/<clip>_<1..5>.png\n"
        "or as ACL-SSL has it, test frames alone, in the data root or in AVS1/:\n"
        "  avs1_ms3_test.csv\n"
        "  ms3/{visual_frames,gt_masks}/<clip>_<1..5>.png, ms3/audio_wav/<clip>.wav"
    )
    expected: ClassVar[Mapping[str, int]] = {"test": 320}
    published: ClassVar[Sequence[PublishedScores]] = published("avsbench-ms3")
    folders = ("Multi-sources/ms3_data", "ms3_data", "AVS1/ms3", "ms3")
    table = "ms3_meta_data.csv"
    acl_list = "avs1_ms3_test.csv"

    def frame_names(self, frame: ListedFrame) -> tuple[str, ...]:
        """Return the names in the official layout and in ACL-SSL's, with and without `.mp4`."""
        official = f"{frame.video}/{frame.video}.mp4_{frame.number}.png"
        return (official, f"{frame.id}.png", f"{frame.video}.mp4_{frame.number}.png")
