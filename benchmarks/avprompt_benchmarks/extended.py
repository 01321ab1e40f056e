"""The extended test sets of SLAVC: clips whose source is in the picture, and clips whose source is not."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from avprompt.plugin import BoxCounts, DataError, PublishedScores, read_list
from avprompt_benchmarks.clips import Clip, ListedBenchmark
from avprompt_benchmarks.files import check_names, find_annotation
from avprompt_benchmarks.flickr import Flickr
from avprompt_benchmarks.ids import vggsound_id
from avprompt_benchmarks.marks import Nothing
from avprompt_benchmarks.published import published
from avprompt_benchmarks.vggss import VGGSS

NEGATIVE = "non-sounding"
"""What the list calls a picture with a sound that nothing in it makes."""


class Extended(ListedBenchmark):
    """The test clips of an ordinary benchmark, and as many pairs of a picture and a foreign sound.

    Training splits are the ordinary benchmark's.
    """

    citation = (
        "Mo and Morgado, A Closer Look at Weakly-Supervised Audio-Visual Source Localization, NeurIPS 2022"
    )
    ground_truth = "as the ordinary benchmark; empty for pairs of a picture and a foreign sound"
    protocols: ClassVar[tuple[str, ...]] = ("slavc-extended",)
    negatives: ClassVar[str]

    def __init__(self, root: Path | None = None) -> None:
        super().__init__(root)
        self.notes = self.ordinary.notes

    @property
    @abstractmethod
    def ordinary(self) -> VGGSS | Flickr:
        """The benchmark that is extended, over the same root."""

    def clips(self, split: str) -> Sequence[Clip]:
        """Return the clips of the ordinary benchmark, and in `test` the negatives after them."""
        clips = list(self.ordinary.clips(split))
        return clips + self._negatives() if split == "test" else clips

    def _negatives(self) -> list[Clip]:
        path = find_annotation(self.root, (self.negatives,))
        if path is None:
            raise self.without(self.negatives)
        listed = read_list(path).clips
        negatives = [clip for clip in listed if clip.label == NEGATIVE]
        if not negatives:
            raise DataError(
                f"'{path}' has no line whose label is '{NEGATIVE}': it is not the list of SLAVC, whose first "
                "line is video,audio,label."
            )
        for clip in listed:
            if len(clip.ids) != 2 or not clip.label:
                raise DataError(
                    f"'{path}' has a line that is no video,audio,label: {clip.entry.strip()!r:.80}"
                )
        pairs = [(self.spell(video), self.spell(audio)) for video, audio in (clip.ids for clip in negatives)]
        check_names(path, [video for video, _ in pairs], self.ordinary.frames.ids(), "a picture")
        return [self._negative(video, audio) for video, audio in pairs]

    def _negative(self, video: str, audio: str) -> Clip:
        image, sound = self.ordinary.frames.find(video), self.ordinary.sounds.find(audio)
        return Clip(f"{video}+{audio}", image, sound, Nothing(), NEGATIVE, sounding=False)


class VGGSSExtended(Extended):
    """VGG-SS, and 5,158 pictures with a sound that nothing in them makes."""

    title = "Extended VGG-SS"
    licence = VGGSS.licence
    source = VGGSS.source + (
        "\n  vggss_test_plus_silent.csv\n"
        "                        the negatives, from SLAVC; their files are in frames/ and audio/ too,\n"
        "                        or in extend_frames/ and extend_audio/, as ACL-SSL has them"
    )
    coordinates = VGGSS.coordinates
    broken_boxes = VGGSS.broken_boxes
    expected: ClassVar[Mapping[str, int]] = {"test": 10316}
    box_counts: ClassVar[Mapping[str, BoxCounts]] = {
        "test": BoxCounts(10316, 5941, garbage=12, degenerate=18, unmarked=2)
    }
    media = VGGSS.media
    spell = staticmethod(vggsound_id)
    published: ClassVar[Sequence[PublishedScores]] = published("vggss-extended")
    negatives = "vggss_test_plus_silent.csv"

    @cached_property
    def ordinary(self) -> VGGSS:
        """VGG-SS."""
        return VGGSS(self.root)


class FlickrExtended(Extended):
    """SoundNet-Flickr, and 250 pictures with a sound that nothing in them makes."""

    title = "Extended SoundNet-Flickr"
    licence = Flickr.licence
    source = Flickr.source + (
        "\n  flickr_test_plus_silent.csv\n"
        "                        the negatives, from SLAVC; their files are in frames/ and audio/ too,\n"
        "                        or in extend_frames/ and extend_audio/, as ACL-SSL has them"
    )
    coordinates = Flickr.coordinates
    broken_boxes = Flickr.broken_boxes
    expected: ClassVar[Mapping[str, int]] = {"test": 500}
    published: ClassVar[Sequence[PublishedScores]] = published("flickr-extended")
    negatives = "flickr_test_plus_silent.csv"

    @cached_property
    def ordinary(self) -> Flickr:
        """SoundNet-Flickr."""
        return Flickr(self.root)
