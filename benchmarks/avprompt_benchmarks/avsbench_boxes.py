"""AVSBench scored by the boxes that SSLalignment drew around its masks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from avprompt.plugin import BoxCounts, DataError, PublishedScores
from avprompt_benchmarks.avsbench import MS3, S4, AVSBench, ListedFrame, clip_and_number
from avprompt_benchmarks.clips import Clip, box_marked
from avprompt_benchmarks.files import find_annotation
from avprompt_benchmarks.kaist import SIDE, read_pairs
from avprompt_benchmarks.marks import Boxes

_SOURCE = "\nand {listing} from kaistmm/SSLalignment, metadata/; no masks and no list are needed."


class ByBoxes(AVSBench):
    """Base of both: the test frames of SSLalignment's listing, with a box each."""

    ground_truth = "the box filled: corners truncated to whole pixels of 224 x 224; 1 inside"
    coordinates = "x0, y0, x1, y1 in pixels of the frame at 224 x 224, x to the right, y down"
    empty_truths = False
    protocols: ClassVar[tuple[str, ...]] = ("val-threshold", "acl-sweep", "lvs-median", "kaist-adaptive")
    published: ClassVar[Sequence[PublishedScores]] = ()
    listings: ClassVar[tuple[str, ...]]

    def __init__(self, root: Path | None = None) -> None:
        super().__init__(root)
        self.validation_split = None  # no boxes were drawn for it

    def listed(self, split: str) -> Iterator[ListedFrame]:
        """Return the frames of the listing; training frames are those of the official list."""
        if split == "test":
            yield from self._boxes
        elif split == "train" and self._table is not None:
            yield from super().listed(split)

    def clip(self, frame: ListedFrame, *, training: bool) -> Clip:
        """Find the files of a frame."""
        clip = super().clip(frame, training=True)
        if training:
            return clip
        if self._boxes[frame] == []:  # no foreground
            return replace(clip, marks=Boxes(()))
        return box_marked(clip, self._boxes[frame], self._listing.name, SIDE)

    @property
    def _listing(self) -> Path:
        path = find_annotation(self.root, self.listings)
        if path is None:
            raise self.without(self.listings[0])
        return path

    @cached_property
    def _boxes(self) -> dict[ListedFrame, object]:
        boxes: dict[ListedFrame, object] = {}
        for picture, sound, box in read_pairs(self._listing):
            video, number = clip_and_number(picture.stem, self._listing)
            frame = ListedFrame(video, number, "test", self.category(sound.parent.name))
            if frame in boxes:
                raise DataError(f"'{self._listing}' annotates '{frame.id}' twice. Remove one of the two.")
            boxes[frame] = box
        return boxes

    def category(self, folder: str) -> str:
        """Return the class of a clip by the folder of its sound."""
        del folder
        return ""


class S4Boxes(ByBoxes, S4):
    """S4 by boxes."""

    title = "AVSBench S4, boxes"
    source = S4.source + _SOURCE.format(listing="s4_box.json")
    broken_boxes = (
        "6 frames without foreground have a box of zero size: it marks nothing, they stay in. A frame with "
        "an empty list of boxes stays in too, and data check names it"
    )
    box_counts: ClassVar[Mapping[str, BoxCounts]] = {"test": BoxCounts(3700, 3700, degenerate=6, unmarked=6)}
    listings = ("s4_box.json", "kaist_s4_box.json")

    def category(self, folder: str) -> str:
        """Return the folder."""
        return folder


class MS3Boxes(ByBoxes, MS3):
    """MS3 by boxes."""

    title = "AVSBench MS3, boxes"
    source = MS3.source + _SOURCE.format(listing="ms3_box.json")
    broken_boxes = (
        "29 frames without foreground have a box of zero size: it marks nothing, they stay in. A frame with "
        "an empty list of boxes stays in too, and data check names it"
    )
    box_counts: ClassVar[Mapping[str, BoxCounts]] = {"test": BoxCounts(320, 320, degenerate=29, unmarked=29)}
    listings = ("ms3_box.json", "kaist_ms3_box.json")
