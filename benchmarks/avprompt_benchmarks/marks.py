"""What annotators mark, and the rules that make a ground truth of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from avprompt.plugin import DataError, GroundTruth, limit_pixels, open_picture
from avprompt_benchmarks.boxes import Box, is_degenerate, union_of_boxes

SIZE = 224
"""Side of the maps that the field scores, pixels."""


class Marks(ABC):
    """What is marked in one picture."""

    boxes: Sequence[Box] = ()

    @abstractmethod
    def truth(self) -> GroundTruth:
        """Return what the rule makes of it, (224, 224).

        Raises:
            DataError: it cannot be read.
        """

    def verify(self) -> None:
        """Make sure that `truth` will not fail.

        Raises:
            DataError: it cannot be read.
        """
        self.truth()


class Nothing(Marks):
    """Nothing that is visible sounds."""

    def truth(self) -> GroundTruth:
        """Return an empty mask."""
        return GroundTruth(np.zeros((SIZE, SIZE), dtype=np.float32), sources=0)


@dataclass(frozen=True)
class Boxes(Marks):
    """The union of boxes; `side` is that of the picture in their unit, 1 for fractions."""

    boxes: Sequence[Box]
    side: float = 1.0

    def truth(self) -> GroundTruth:
        """Return the union, which broken boxes add nothing to."""
        whole = sum(not is_degenerate(box) for box in self.boxes)
        return GroundTruth(union_of_boxes(self.boxes, self.side, SIZE), sources=whole)


class MaskFile(Marks):
    """A mask in a picture file, inside where a value is larger than `above`.

    Lossless masks are read as > 0, whatever value stands for the object; JPEG ones, whose background
    is not quite black, as > 127. The pixels are kept, packed, once they were read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.above = 127 if path.suffix.lower() in (".jpg", ".jpeg") else 0

    def truth(self) -> GroundTruth:
        """Return the mask, brought to size by nearest neighbours."""
        packed, _ = self._content
        bits = np.unpackbits(packed, count=SIZE * SIZE)
        return GroundTruth(bits.reshape(SIZE, SIZE).astype(np.float32))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the file's picture, pixels."""
        _, size = self._content
        return size

    def verify(self) -> None:
        """Read it, if it was not read before."""
        _ = self._content

    @cached_property
    def _content(self) -> tuple[np.ndarray, tuple[int, int]]:
        """The mask at the size that is scored, packed, and the size of its picture."""
        mask = read_mask(self.path, self.above)
        height, width = mask.shape
        return np.packbits(fit(mask)), (width, height)


def read_mask(path: Path, above: int = 0) -> np.ndarray:
    """Read a mask file as (H, W) bool, pixels with a value > `above` in any colour inside.

    Palette pictures count by their index, so that any colour but the first is inside.

    Raises:
        DataError: it is missing or no picture.
    """
    try:
        with open_picture(path) as image:
            limit_pixels(path, *image.size)
            values = np.asarray(image)
    except DataError as error:
        raise DataError(f"The mask '{path}' cannot be read: {error}") from error
    if values.ndim == 3:
        values = values[..., : 1 if values.shape[2] == 2 else 3].max(axis=2)  # without transparency
    inside: np.ndarray = values > above
    return inside


def fit(mask: np.ndarray) -> np.ndarray:
    """Bring a mask (H, W) bool to (224, 224) by nearest neighbours."""
    if mask.shape == (SIZE, SIZE):
        return mask
    image = Image.fromarray(mask.astype(np.uint8)).resize((SIZE, SIZE), Image.Resampling.NEAREST)
    return np.asarray(image, dtype=bool)
