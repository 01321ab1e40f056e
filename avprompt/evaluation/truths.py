"""Ground truths in a few hundred bytes each, so that a split is read once and its truths stay at hand."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from avprompt.records import GroundTruth


@dataclass(frozen=True)
class _Array:
    """An array, compressed without loss; ones and zeros are kept as bits."""

    shape: tuple[int, ...]
    dtype: str
    bits: bool
    compressed: bytes

    @staticmethod
    def of(array: np.ndarray) -> _Array:
        bits = bool(np.array_equal(array, array != 0))
        content = np.packbits(array != 0).tobytes() if bits else array.tobytes()
        return _Array(array.shape, array.dtype.str, bits, zlib.compress(content, 1))

    def array(self) -> np.ndarray:
        content = zlib.decompress(self.compressed)
        if not self.bits:
            return np.frombuffer(content, dtype=self.dtype).reshape(self.shape)
        count = int(np.prod(self.shape))
        flags = np.unpackbits(np.frombuffer(content, dtype=np.uint8), count=count)
        return flags.astype(self.dtype).reshape(self.shape)


@dataclass(frozen=True)
class Packed:
    """One ground truth."""

    mask: _Array
    silent: _Array
    sources: int

    @staticmethod
    def of(truth: GroundTruth) -> Packed:
        """Pack a truth."""
        return Packed(_Array.of(truth.mask), _Array.of(truth.silent), truth.sources)

    def truth(self) -> GroundTruth:
        """Return the truth as it was."""
        return GroundTruth(self.mask.array(), self.silent.array(), self.sources)


@dataclass(frozen=True)
class Truths(Sequence[GroundTruth]):
    """The truths of the samples that were scored, unpacked when they are asked for."""

    packed: Sequence[Packed]

    def __len__(self) -> int:
        return len(self.packed)

    def __getitem__(self, index: Any) -> Any:
        """Return the truth of the sample at `index`."""
        return self.packed[index].truth()
