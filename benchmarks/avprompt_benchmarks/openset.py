"""VGG-SS by classes that were heard in training and classes that were not, 110 each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from avprompt.plugin import BoxCounts, PublishedScores
from avprompt_benchmarks.clips import Clip
from avprompt_benchmarks.files import find_annotation
from avprompt_benchmarks.published import published
from avprompt_benchmarks.vggss import LAYOUT, VGGSS


class OpenSet(VGGSS):
    """VGG-SS clips of heard and of unheard classes, after training on heard ones alone."""

    title = "VGG-SS, heard and unheard classes"
    citation = "Mo and Morgado, Localizing Visual Sounds the Easy Way, ECCV 2022, arXiv 2203.09324"
    source = LAYOUT + (
        "  vggss_heard_test.csv, vggss_unheard_test.csv\n"
        "                        ids to score, from EZ-VSL or, with labels, from ACL-SSL\n"
        "  vggss_heard.txt (EZ-VSL, 59k) or .csv (ACL-SSL, 70k)\n"
        "                        ids to train on, optional: the heard test clips without it (no labels are\n"
        "                        used). The two lists differ, and scores after them are not comparable"
    )
    expected: ClassVar[Mapping[str, int]] = {"heard": 2564, "unheard": 2575}
    box_counts: ClassVar[Mapping[str, BoxCounts]] = {
        "heard": BoxCounts(2564, 2927, garbage=7, degenerate=10, unmarked=2),
        "unheard": BoxCounts(2575, 2995, garbage=5, degenerate=8),
    }
    protocols: ClassVar[tuple[str, ...]] = (
        "val-threshold",
        "acl-sweep",
        "ezvsl-median",
        "lvs-median",
        "kaist-adaptive",
    )
    published: ClassVar[Sequence[PublishedScores]] = published("vggss-openset")
    test_splits: tuple[str, ...] = ("heard", "unheard")
    scored = ("heard", "unheard")
    training_lists: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "train-heard": ("vggss_heard.txt", "vggss_heard.csv"),
    }
    test_lists: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "heard": ("vggss_heard_test.csv", "vggss_heard_test.txt"),
        "unheard": ("vggss_unheard_test.csv", "vggss_unheard_test.txt"),
    }

    def test_clips(self, split: str) -> list[Clip]:
        """Return the clips of a test list, which must be there."""
        if find_annotation(self.root, self.test_lists[split]) is None:
            raise self.without(self.test_lists[split][0])
        return super().test_clips(split)


class Heard(OpenSet):
    """The heard half alone."""

    title = "VGG-SS, heard classes"
    test_splits = ("heard",)


class Unheard(OpenSet):
    """The unheard half alone; training clips are of heard classes all the same."""

    title = "VGG-SS, unheard classes"
    test_splits = ("unheard",)
