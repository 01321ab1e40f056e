"""SoundNet-Flickr: 250 clips that three people annotated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import ClassVar

from avprompt.plugin import IMAGE_SUFFIXES, SOUND_SUFFIXES, DataError, ListedClip, PublishedScores, read_list
from avprompt_benchmarks.clips import Clip
from avprompt_benchmarks.consensus import read_annotators
from avprompt_benchmarks.files import Absent, Files, check_names, find_annotation
from avprompt_benchmarks.ids import FLICKR_TYPO
from avprompt_benchmarks.published import published
from avprompt_benchmarks.training import ListTrained

TEST = ("test", "Test", ".", "Dataset")
"""Where the test clips are: in ACL-SSL's layout, in its README, in EZ-VSL's, in the official package."""


def _folders(*names: str, under: Sequence[str] = TEST) -> list[str]:
    return [f"{folder}/{name}".removeprefix("./") for name in names for folder in under]


class Flickr(ListTrained):
    """One frame, its sound, and the consensus of three annotators."""

    title = "SoundNet-Flickr"
    citation = (
        "Senocak et al., Learning to Localize Sound Source in Visual Scenes, CVPR 2018, arXiv 1803.03849"
    )
    licence = "not stated by its authors; the videos belong to theirs on Flickr"
    source = (
        "Expected layout of the data root:\n"
        "  flickr_test.csv       ids to score, from EZ-VSL (249 of them), SLAVC or ACL-SSL (250)\n"
        "  Annotations/<id>.xml  from the authors' package, ardasnck/learning_to_localize_sound_source\n"
        "  frames/<id>.jpg       the package's own picture; its folder is called Data there\n"
        "  audio/<id>.wav        any length and rate, the first 10 s are used\n"
        "All three may be in test/, as ACL-SSL has them, or in Dataset/, as in the package.\n"
        "  flickr_144k.txt, flickr_10k.txt (or .csv)\n"
        "                        ids to train on, optional: the test clips without them, unlabelled;\n"
        "                        frames/<id>.jpg, or the first picture in a folder frames/<id>"
    )
    ground_truth = (
        "min(1, sum of the annotators' masks / 2): 0.5 where one marked, 1 where two or three did; boxes of "
        "one annotator that overlap count once (loaders of the field add up boxes, and count them twice)"
    )
    coordinates = "xmin, ymin, xmax, ymax in pixels of a 256 x 256 picture; times 224 / 256, truncated"
    broken_boxes = "elements that are no bbox are passed over, boxes without width or height mark nothing"
    expected: ClassVar[Mapping[str, int]] = {"test": 250}
    protocols: ClassVar[tuple[str, ...]] = (
        "val-threshold",
        "acl-sweep",
        "ezvsl-median",
        "lvs-median",
        "kaist-adaptive",
    )
    published: ClassVar[Sequence[PublishedScores]] = published("flickr")
    training_lists: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "train-144k": ("flickr_144k.txt", "flickr_144k.csv"),
        "train-10k": ("flickr_10k.txt", "flickr_10k.csv"),
    }

    def test_clips(self, split: str) -> list[Clip]:
        """Return the clips of the test list."""
        path = find_annotation(self.root, ("flickr_test.csv", "flickr_test.txt"))
        if path is None:
            raise self.without("flickr_test.csv")
        clips = [self._annotated(listed) for listed in read_list(path).clips]
        check_names(path, [clip.id for clip in clips], self._annotations.ids(), "an annotation")
        return clips

    def training_clip(self, listed: ListedClip) -> Clip:
        """Return a clip without annotation."""
        name = listed.id
        return Clip(
            name, self.training_frames.find(name), self._training_sounds.find(name), label=listed.label
        )

    def _annotated(self, listed: ListedClip) -> Clip:
        clip = Clip(listed.id, self.frames.find(listed.id), self.sounds.find(listed.id), label=listed.label)
        mistyped, meant = FLICKR_TYPO
        if clip.id == mistyped and isinstance(clip.image, Absent):
            return replace(clip, unusable=f"the list mistypes {meant}; no clip has this id")
        annotation = self._annotations.find(listed.id)
        if isinstance(annotation, Absent):
            return replace(clip, unusable=f"no annotation: {annotation} is not there")
        try:
            return replace(clip, marks=read_annotators(annotation))
        except DataError as error:
            return replace(clip, unusable=str(error))

    @cached_property
    def frames(self) -> Files:
        """The pictures of the test clips."""
        return Files(self.root, _folders("frames", "Data", "extend_frames"), IMAGE_SUFFIXES)

    @cached_property
    def sounds(self) -> Files:
        """The sounds of the test clips."""
        return Files(self.root, _folders("audio", "Data", "extend_audio"), SOUND_SUFFIXES)

    @cached_property
    def _annotations(self) -> Files:
        return Files(self.root, _folders("Annotations"), (".xml",))

    @cached_property
    def training_frames(self) -> Files:
        """The pictures of clips to train on."""
        return Files(
            self.root, _folders("frames", "Data", under=TEST[::-1]), IMAGE_SUFFIXES, inside=("*.jpg",)
        )

    @cached_property
    def _training_sounds(self) -> Files:
        return Files(self.root, _folders("audio", "Data", under=TEST[::-1]), SOUND_SUFFIXES)
