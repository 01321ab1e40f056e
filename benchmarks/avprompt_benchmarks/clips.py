"""From the lines of an official list to samples: what most benchmarks have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from avprompt.plugin import (
    Annotation,
    BenchmarkAdapter,
    BoxCounts,
    DataError,
    Frame,
    LazySequence,
    Missing,
    Sample,
    Split,
    picture_size,
)
from avprompt_benchmarks.boxes import is_degenerate, is_garbage, read_boxes
from avprompt_benchmarks.files import Absent
from avprompt_benchmarks.marks import Boxes, Marks, MaskFile

STRETCH = 1.05
"""A mask may be wider or higher than its picture by this factor, for sides are rounded."""


@dataclass(frozen=True)
class Clip:
    """One line of an official list: its files, and what is annotated.

    Attributes:
        id: unique within its split.
        image: the picture, or the name of the file that is not there.
        audio: the sound, likewise.
        marks: None in training splits.
        label: as in `Sample`, and so are the rest of them.
        unusable: why the clip cannot be used, whatever files there are.
    """

    id: str
    image: Path | Frame | Absent
    audio: Path | Absent
    marks: Marks | None = None
    label: str = ""
    group: str = ""
    scenario: str = ""
    sounding: bool = True
    off_screen: Path | None = None
    unusable: str = ""

    def problem(self) -> str:
        """Return why the clip cannot be used, or nothing where it can."""
        if self.unusable:
            return self.unusable
        if isinstance(self.image, Absent):
            return self.image.problem("picture")
        if isinstance(self.audio, Absent):
            return self.audio.problem("sound")
        return self.broken() or _misfit(self.marks, self.image)

    def broken(self) -> str:
        """Return what is wrong with the annotation, or nothing."""
        try:
            if self.marks is not None:
                self.marks.verify()
        except DataError as error:
            return str(error)
        return ""

    def sample(self) -> Sample:
        """Return the clip as the sample that it is; its mask is drawn now."""
        if isinstance(self.image, Absent) or isinstance(self.audio, Absent):
            raise DataError(f"'{self.id}' cannot be used: {self.problem()}")
        return Sample(
            self.id,
            self.image,
            self.audio,
            None if self.marks is None else self.marks.truth(),
            self.label,
            off_screen=self.off_screen,
            group=self.group,
            scenario=self.scenario,
            sounding=self.sounding,
        )

    def annotation(self) -> Annotation:
        """Return what is annotated."""
        if self.marks is None:
            raise DataError(f"'{self.id}' is not annotated.")
        truth, boxes = self.marks.truth(), self.marks.boxes
        counts = BoxCounts(
            samples=1,
            boxes=len(boxes),
            garbage=sum(map(is_garbage, boxes)),
            degenerate=sum(map(is_degenerate, boxes)),
            unmarked=int(len(boxes) > 0 and not truth.mask.any()),
        )
        return Annotation(self.id, truth, counts, self.sounding)


def box_marked(clip: Clip, boxes: object, file: str, side: float = 1.0) -> Clip:
    """Return a clip with the boxes that an annotation has for it, or with the reason why it cannot be used.

    Args:
        clip: without marks.
        boxes: as they come out of JSON.
        file: name of the annotation, for the reason.
        side: of the picture in the boxes' unit.
    """
    try:
        return replace(clip, marks=Boxes(read_boxes(boxes, f"{file}: '{clip.id}'", side), side))
    except DataError as error:
        return replace(clip, unusable=str(error))


class ListedBenchmark(BenchmarkAdapter):
    """Base of benchmarks whose splits are lists of clips in files."""

    @abstractmethod
    def clips(self, split: str) -> Sequence[Clip]:
        """Return every clip that the list of a split names, its media there or not.

        Raises:
            DataError: no such split, or its list or annotation cannot be read.
        """

    def split(self, name: str) -> Split:
        """Return one split: the clips that can be used, and the others with the reason.

        Raises:
            DataError: no such split, or its list or annotation cannot be read.
        """
        clips = self.clips(name)
        official = self.expected.get(name)
        if official is not None and len(clips) != official:
            self.note(f"{name}: the list names {len(clips)} samples, the official one {official}")
        usable, missing = _sorted_out(clips)
        return Split(LazySequence(usable, Clip.sample), len(clips), missing)

    def annotations(self, split: str) -> Sequence[Annotation]:
        """Return what is annotated of every sample that a test split names, its media there or not.

        Raises:
            DataError: no such split, or nothing of it is annotated.
        """
        clips = [clip for clip in self.clips(split) if clip.marks is not None]
        readable = [clip for clip in clips if not clip.broken()]
        if not readable:
            why = clips[0].broken() if clips else "its list names none"
            raise DataError(f"{self.title} has no annotated sample in '{split}': {why}.\n{self.source}")
        return LazySequence(readable, Clip.annotation)

    def note(self, text: str) -> None:
        """Tell the reader of the numbers, once."""
        if text not in self.notes:
            self.notes.append(text)

    def without(self, what: str) -> DataError:
        """Return the error of an annotation or list that is not in the data root."""
        return DataError(f"{self.title}: '{self.root}' has no {what}.\n{self.source}")


def _misfit(marks: Marks | None, image: Path | Frame) -> str:
    """Return why a mask cannot lie on its picture, as where the camera turned only one of them.

    Square masks may have been brought to the size that is scored, and say nothing of the picture.
    """
    if not isinstance(marks, MaskFile):
        return ""
    width, height = marks.size
    if width == height:
        return ""
    try:
        shown = picture_size(image)
    except DataError:
        return ""  # who reads the picture says so
    if 1 / STRETCH < width / height * shown[1] / shown[0] < STRETCH:
        return ""
    return (
        f"its mask has {width} x {height} pixels and its picture, upright, {shown[0]} x {shown[1]}: they do "
        "not lie on each other. Turn or cut the mask as the picture is shown"
    )


def _sorted_out(clips: Sequence[Clip]) -> tuple[list[Clip], tuple[Missing, ...]]:
    usable: dict[str, Clip] = {}
    missing = []
    for clip in clips:
        problem = "the list names it twice" if clip.id in usable else clip.problem()
        if problem:
            missing.append(Missing(clip.id, problem))
        else:
            usable[clip.id] = clip
    return list(usable.values()), tuple(missing)
