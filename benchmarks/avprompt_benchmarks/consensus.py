"""The annotation of SoundNet-Flickr: what three people marked, and how far they agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from avprompt.plugin import DataError, GroundTruth
from avprompt_benchmarks.boxes import Box, four_numbers, is_degenerate, union_of_boxes, unseen
from avprompt_benchmarks.marks import SIZE, Marks

SIDE = 256
"""Side of the pictures that the annotators saw, pixels."""


@dataclass(frozen=True)
class Consensus(Marks):
    """Boxes of several annotators: G = min(1, sum_a M_a / 2), M_a the union of annotator a's boxes.

    A pixel that one annotator marked is 0.5, one that two or more marked is 1. Senocak et al., "Learning to
    Localize Sound Source in Visual Scenes", CVPR 2018. The field's loaders add up boxes, not annotators,
    so that overlapping boxes of one annotator count twice there.
    """

    annotators: Sequence[Sequence[Box]]

    @property
    def boxes(self) -> Sequence[Box]:  # type: ignore[override]
        """All boxes."""
        return [box for boxes in self.annotators for box in boxes]

    def truth(self) -> GroundTruth:
        """Return the consensus map, with values 0, 0.5 and 1."""
        votes = np.zeros((SIZE, SIZE), dtype=np.float32)
        for boxes in self.annotators:
            votes += union_of_boxes(boxes, SIDE, SIZE)
        sources = (sum(not is_degenerate(box) for box in boxes) for boxes in self.annotators)
        return GroundTruth(np.minimum(votes / 2, 1), sources=max(sources, default=0))


def read_annotators(path: Path) -> Consensus:
    """Read one clip's XML: under the root an element for each annotator, in it `bbox` elements.

    The first part of a `bbox` is no coordinate; the four after it are xmin, ymin, xmax, ymax. Elements
    of other names are no boxes.

    Boxes that leave the picture are clipped to it, as in the field.

    Raises:
        DataError: the file is missing, no XML, or has other parts, or nothing of a box is in the picture.
    """
    try:
        root = ElementTree.parse(path).getroot()
        return Consensus(tuple(_boxes_of(annotator) for annotator in root))
    except (OSError, ElementTree.ParseError, ValueError, LookupError, DataError) as error:
        raise DataError(f"The annotation '{path}' cannot be read ({error}). Get it again.") from error


def _boxes_of(annotator: ElementTree.Element) -> Sequence[Box]:
    corners = [[part.text or "" for part in list(bbox)[1:5]] for bbox in annotator if bbox.tag == "bbox"]
    boxes = four_numbers(corners, annotator.tag)
    for box in boxes:
        if not is_degenerate(box) and (problem := unseen(box, SIDE, SIDE)):
            raise DataError(f"{annotator.tag}: a box {problem}")
    return boxes
