"""VPO: photographs of COCO with sounds of VGGSound of the same class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from avprompt.plugin import BoxCounts, Media
from avprompt_benchmarks.kaist import MASK_RULE, Interactive

_LAYOUT = (
    "Expected layout of the data root:\n"
    "  {listing}\n"
    "                        from kaistmm/SSLalignment, metadata/\n"
    "  visual_frames/<COCO image>_<COCO annotation>.jpg\n"
    "  audio_wav/<COCO image>_<COCO annotation>.wav{masks}\n"
    "Pictures and sounds are made by the code of cyh-0/CAVP, whose own table of pairs is not read."
)

_MASKS = "\n  gray_masks/<COCO image>_<COCO annotation>.jpg"


class VPO(Interactive):
    """Base of the subsets; samples with the same COCO image share a group."""

    citation = "Chen et al., Unraveling Instance Associations, CVPR 2024, arXiv 2304.02970"
    licence = "COCO's annotations CC BY 4.0; pictures and sounds belong to their authors"
    media = Media(shared_sounds=True)
    broken_boxes = "boxes of zero width and height (2 in VPO-MS) mark nothing; their samples stay in"


class VPOSS(VPO):
    """One source a picture, scored by boxes."""

    title = "VPO-SS"
    source = _LAYOUT.format(listing="vpo_ss_bbox.json", masks="")
    expected: ClassVar[Mapping[str, int]] = {"test": 890}
    box_counts: ClassVar[Mapping[str, BoxCounts]] = {"test": BoxCounts(890, 890)}
    listings: ClassVar[tuple[str, ...]] = ("vpo_ss_bbox.json",)


class VPOMS(VPO):
    """Several sources a picture, each heard alone, scored by boxes."""

    title = "VPO-MS"
    source = _LAYOUT.format(listing="vpo_ms_bbox.json", masks="")
    expected: ClassVar[Mapping[str, int]] = {"test": 2157}
    box_counts: ClassVar[Mapping[str, BoxCounts]] = {"test": BoxCounts(2157, 2157, degenerate=2, unmarked=2)}
    listings: ClassVar[tuple[str, ...]] = ("vpo_ms_bbox.json",)


class VPOSSMasks(VPOSS):
    """One source a picture, scored by masks."""

    title = "VPO-SS, masks"
    source = _LAYOUT.format(listing="vpo_ss_seg.json", masks=_MASKS)
    ground_truth = MASK_RULE
    coordinates = broken_boxes = "none: the truth is a mask"
    empty_truths = True  # COCO outlines what has a few pixels at 224 x 224
    box_counts: ClassVar[Mapping[str, BoxCounts]] = {}
    listings = ("vpo_ss_seg.json",)


class VPOMSMasks(VPOMS):
    """Several sources a picture, each heard alone, scored by masks."""

    title = "VPO-MS, masks"
    source = _LAYOUT.format(listing="vpo_ms_seg.json", masks=_MASKS)
    ground_truth = MASK_RULE
    coordinates = broken_boxes = "none: the truth is a mask"
    empty_truths = True  # COCO outlines what has a few pixels at 224 x 224
    box_counts: ClassVar[Mapping[str, BoxCounts]] = {}
    listings = ("vpo_ms_seg.json",)
