"""IS3, the interactive synthetic sound sources of SSLalignment: two sources a picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from avprompt.plugin import BoxCounts
from avprompt_benchmarks.kaist import MASK_RULE, Interactive

_LAYOUT = (
    "Expected layout of the data root:\n"
    "  {listing}\n"
    "                        from kaistmm/SSLalignment, metadata/\n"
    "  images/<name>.jpg     or visual_frames/, from the link in that repository's README\n"
    "  audio_wav/<name>.wav"
)


class IS3(Interactive):
    """3,240 generated pictures of two classes, each heard alone: 6,480 samples, scored by boxes."""

    title = "IS3"
    citation = "Senocak et al., Aligning Sight and Sound, arXiv 2407.13676"
    licence = "not stated by its authors"
    source = _LAYOUT.format(listing="synthetic3240_bbox.json or IS3_annotation.json")
    broken_boxes = "none are known; they would mark nothing"
    expected: ClassVar[Mapping[str, int]] = {"test": 6480}
    box_counts: ClassVar[Mapping[str, BoxCounts]] = {"test": BoxCounts(6480, 6480)}
    protocols: ClassVar[tuple[str, ...]] = (*Interactive.protocols, "negative-audio")
    listings: ClassVar[tuple[str, ...]] = ("synthetic3240_bbox.json", "IS3_annotation.json")

    def label(self, name: str) -> str:
        """Return the last part of a name, the class that sounds."""
        return name.rpartition("_")[2]


class IS3Masks(IS3):
    """The same, scored by masks."""

    title = "IS3, masks"
    source = _LAYOUT.format(listing="synthetic3240_seg.json") + "\n  gt_segmentation/<name>.jpg"
    ground_truth = MASK_RULE
    coordinates = broken_boxes = "none: the truth is a mask"
    box_counts: ClassVar[Mapping[str, BoxCounts]] = {}
    listings = ("synthetic3240_seg.json",)
