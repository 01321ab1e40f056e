"""AVATAR: frames of videos, with the outline of everything that sounds just then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import ClassVar

import numpy as np

from avprompt.plugin import (
    IMAGE_SUFFIXES,
    SOUND_SUFFIXES,
    VIDEO_SUFFIXES,
    DataError,
    Frame,
    GroundTruth,
    ListedClip,
    PublishedScores,
    limit_pixels,
    read_json,
)
from avprompt_benchmarks.clips import Clip
from avprompt_benchmarks.files import Absent, Files
from avprompt_benchmarks.ids import vggsound_id
from avprompt_benchmarks.marks import Marks
from avprompt_benchmarks.polygons import Polygon, misplaced_polygon, read_polygons, union_of_polygons
from avprompt_benchmarks.published import published
from avprompt_benchmarks.training import ListTrained
from avprompt_benchmarks.vggss import AUDIO, FRAMES, IN_FOLDERS

OFF_SCREEN = "off-screen"


@dataclass(frozen=True)
class Outlines(Marks):
    """The outlines of one scenario in the annotation of a frame, read when they are asked for."""

    path: Path
    scenario: str

    def truth(self) -> GroundTruth:
        """Return the union of the outlines, empty where the source is off screen."""
        frame = _read(self.path)
        outlines = [] if self.scenario == OFF_SCREEN else frame.outlines[self.scenario]
        polygons = [polygon for outline in outlines for polygon in outline]
        mask = union_of_polygons(polygons, frame.width, frame.height)
        return GroundTruth(mask.astype(np.float32), sources=len(outlines))

    def verify(self) -> None:
        """Nothing is left to go wrong: the file was read to learn its scenarios."""


class AVATAR(ListTrained):
    """Annotated frames of 5,000 videos; a sample is a frame, one scenario in it, and the video's sound.

    A frame whose annotation names several scenarios is a sample of each.
    """

    title = "AVATAR"
    citation = "Choi et al., What's Making That Sound Right Now?, ICCV 2025, arXiv 2507.04667"
    licence = "see the dataset card of mipal/AVATAR; the videos belong to their authors on YouTube"
    source = (
        "Expected layout of the data root, from the Hugging Face dataset mipal/AVATAR:\n"
        "  video/<clip>.mp4               video.zip\n"
        "  metadata/<clip>/<frame>.json   metadata.zip; <frame> counts the frames of the video from 0\n"
        "  vggsound_10k.txt               ids to train on, optional: the videos without it, unlabelled;\n"
        "                                 frames/<id>.jpg and audio/<id>.wav, as for VGG-SS"
    )
    ground_truth = "union of the polygons of the scenario, filled at the frame's size; empty off screen"
    coordinates = "polygons in pixels of the frame, x to the right, y down"
    spell = staticmethod(vggsound_id)
    broken_boxes = (
        "polygons of fewer than three corners mark nothing; frames with one that lies outside, or is in "
        "fractions, are left out; boxes are not used"
    )
    expected: ClassVar[Mapping[str, int]] = {"test": 24266}
    protocols: ClassVar[tuple[str, ...]] = ("avatar",)
    published: ClassVar[Sequence[PublishedScores]] = published("avatar")
    training_lists: ClassVar[Mapping[str, tuple[str, ...]]] = {"train-10k": ("vggsound_10k.txt",)}

    def test_clips(self, split: str) -> list[Clip]:
        """Return every annotated frame, video by video."""
        return self._annotated

    @cached_property
    def _annotated(self) -> list[Clip]:
        """What all the files say, read once: there are 24,266 of them."""
        folder = self.root / "metadata"
        if not folder.is_dir():
            raise self.without("metadata/")
        videos = sorted(path for path in folder.iterdir() if path.is_dir())
        return [clip for video in videos for path in sorted(video.glob("*.json")) for clip in self._of(path)]

    def training_clip(self, listed: ListedClip) -> Clip:
        """Return a clip of VGGSound."""
        name = vggsound_id(listed.id)
        return Clip(name, self.training_frames.find(name), self._sounds.find(name), label=listed.label)

    def _of(self, path: Path) -> Iterator[Clip]:
        """Give the samples of one annotated frame."""
        name = vggsound_id(path.parent.name)
        video = self._videos.find(name)
        try:
            annotated, number = _read(path), int(path.stem)
        except (DataError, ValueError) as error:
            yield Clip(f"{name}/{path.stem}", Absent(path.name), video, unusable=f"no annotation: {error}")
            return
        image = video if isinstance(video, Absent) else Frame(video, number)
        for scenario, label in annotated.labels.items():
            yield Clip(
                f"{name}/{path.stem}/{scenario}",
                image,
                video,
                Outlines(path, scenario),
                label,
                group=f"{name}/{path.stem}",
                scenario=scenario,
                sounding=scenario != OFF_SCREEN,
            )

    @cached_property
    def _videos(self) -> Files:
        return Files(self.root, ("video", "videos"), VIDEO_SUFFIXES, vggsound_id)

    @cached_property
    def training_frames(self) -> Files:
        """The pictures of clips to train on."""
        return Files(self.root, FRAMES, IMAGE_SUFFIXES, vggsound_id, IN_FOLDERS)

    @cached_property
    def _sounds(self) -> Files:
        return Files(self.root, AUDIO, SOUND_SUFFIXES, vggsound_id)


@dataclass(frozen=True)
class _Annotated:
    """The annotation of a frame: by scenario, the outlines of each object and the first one's class."""

    width: int
    height: int
    outlines: dict[str, list[list[Polygon]]]
    labels: dict[str, str]

    @property
    def polygons(self) -> Iterator[Polygon]:
        """All polygons but those off screen, which mark nothing."""
        visible = (outlines for scenario, outlines in self.outlines.items() if scenario != OFF_SCREEN)
        for outline in chain.from_iterable(visible):
            yield from outline


def _read(path: Path) -> _Annotated:
    content = read_json(path)
    try:
        frame = _Annotated(int(content["original_width"]), int(content["original_height"]), {}, {})
        for source in content["annotations"]:
            scenario = str(source["task"]).lower()
            outline = read_polygons(source.get("segmentation") or [])
            frame.outlines.setdefault(scenario, []).append(outline)
            frame.labels.setdefault(scenario, str(source.get("category", "")))
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise DataError(f"'{path}' is not the annotation of a frame: {error!r}") from error
    if min(frame.width, frame.height) < 1:
        raise DataError(f"'{path}' is of a frame without width or height.")
    limit_pixels(path, frame.width, frame.height)
    for polygon in frame.polygons:
        if problem := misplaced_polygon(polygon, frame.width, frame.height):
            raise DataError(f"'{path}': the box around a polygon {problem}.")
    return frame
