"""VGG-SS, the VGG-Sound Source benchmark, and its split into heard and unheard classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import ClassVar

from avprompt.plugin import (
    IMAGE_SUFFIXES,
    SOUND_SUFFIXES,
    BoxCounts,
    DataError,
    ListedClip,
    Media,
    PublishedScores,
    read_json,
    read_list,
)
from avprompt_benchmarks.clips import Clip, box_marked
from avprompt_benchmarks.files import Files, check_names, find_annotation
from avprompt_benchmarks.ids import vggsound_id
from avprompt_benchmarks.published import published
from avprompt_benchmarks.training import ListTrained

FRAMES = ("frames", "frame", "VGGSound_test/frame", "extend_frames")
AUDIO = ("audio", "VGGSound_test/audio", "extend_audio")
IN_FOLDERS = ("125.*", "image_050.*")
"""The annotated frame in folders of frames: SSL-TIE's of 25 a second, SSLalignment's of 10 a second."""

LAYOUT = (
    "Expected layout of the data root:\n"
    "  vggss.json            the official annotation, from the authors' repository\n"
    "                        hche11/Localizing-Visual-Sounds-the-Hard-Way\n"
    "  frames/<id>.jpg       the 125th frame of the 25 fps video; folders of frames, as SSL-TIE's\n"
    "                        frame/<id>/125.jpg and SSLalignment's <id>/image_050.jpg, are read too\n"
    "  audio/<id>.wav        10 s at 16 kHz; other rates are read too, and told of by data check\n"
    "  <id> is <YouTube id>_<start second, six digits>; the spelling _<start ms>_<end ms> is read too.\n"
)


class VGGSS(ListTrained):
    """One frame, its 10 s of sound, and boxes around what sounds."""

    title = "VGG-SS"
    citation = "Chen et al., Localizing Visual Sounds the Hard Way, CVPR 2021, arXiv 2104.02691"
    licence = "annotations CC BY 4.0; the videos belong to their authors on YouTube"
    source = LAYOUT + (
        "  vggss_test.csv        ids to score, one a line, optional: all annotated clips without it\n"
        "  vggss_144k.txt, vggss_10k.txt (or .csv)\n"
        "                        ids to train on, optional: the test clips without them (no labels are used)"
    )
    ground_truth = "union of the boxes: corners clipped to the frame, times 224, truncated; 1 inside"
    coordinates = "x0, y0, x1, y1 as fractions of the frame, x to the right, y down"
    broken_boxes = (
        "12 boxes hold absurd numbers, and with them 18 have no width or height: they mark nothing. "
        "The two samples without a whole box stay in, with an empty truth that no map can meet"
    )
    expected: ClassVar[Mapping[str, int]] = {"test": 5158}
    box_counts: ClassVar[Mapping[str, BoxCounts]] = {
        "test": BoxCounts(5158, 5941, garbage=12, degenerate=18, unmarked=2)
    }
    media = Media(rate=16_000, seconds=10, frame=125, frame_rate=25)
    spell = staticmethod(vggsound_id)
    protocols: ClassVar[tuple[str, ...]] = (
        "val-threshold",
        "acl-sweep",
        "ezvsl-median",
        "lvs-median",
        "kaist-adaptive",
        "negative-audio",
    )
    published: ClassVar[Sequence[PublishedScores]] = published("vggss")
    training_lists: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "train-144k": ("vggss_144k.txt", "vggss_144k.csv"),
        "train-10k": ("vggss_10k.txt", "vggss_10k.csv"),
    }
    test_lists: ClassVar[Mapping[str, tuple[str, ...]]] = {"test": ("vggss_test.csv", "vggss_test.txt")}

    def test_clips(self, split: str) -> list[Clip]:
        """Return the clips of the test list, or all annotated ones without a list."""
        path = find_annotation(self.root, self.test_lists[split])
        if path is None:
            return [self._annotated(ListedClip((name,))) for name in self._annotation]
        clips = [self._annotated(listed) for listed in read_list(path).clips]
        check_names(path, [clip.id for clip in clips], self._annotation, "an annotation")
        return clips

    def training_clip(self, listed: ListedClip) -> Clip:
        """Return a clip without annotation."""
        name = vggsound_id(listed.id)
        return Clip(name, self.frames.find(name), self.sounds.find(name), label=listed.label)

    def _annotated(self, listed: ListedClip) -> Clip:
        clip = self.training_clip(listed)
        if clip.id not in self._annotation:
            return replace(clip, unusable="vggss.json has no annotation of it")
        label, boxes = self._annotation[clip.id]
        return box_marked(replace(clip, label=label), boxes, "vggss.json")

    @cached_property
    def _annotation(self) -> dict[str, tuple[str, object]]:
        """Class and boxes of every clip, as they are written, by id."""
        path = find_annotation(self.root, ("vggss.json",))
        if path is None:
            raise self.without("vggss.json")
        annotation = {}
        try:
            for entry in read_json(path):
                name = vggsound_id(entry["file"])
                if name in annotation:
                    raise DataError(f"'{path}' annotates '{name}' twice. Remove one of the two.")
                annotation[name] = str(entry["class"]), entry["bbox"]
        except (KeyError, TypeError) as error:
            raise DataError(f"'{path}' is not the official annotation of VGG-SS: {error!r}") from error
        return annotation

    @property
    def training_frames(self) -> Files:
        """The same pictures."""
        return self.frames

    @cached_property
    def frames(self) -> Files:
        """The pictures of all clips."""
        return Files(self.root, FRAMES, IMAGE_SUFFIXES, vggsound_id, IN_FOLDERS)

    @cached_property
    def sounds(self) -> Files:
        """The sounds of all clips."""
        return Files(self.root, AUDIO, SOUND_SUFFIXES, vggsound_id)
