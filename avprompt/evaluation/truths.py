"""Ground truths in a few hundred bytes each, so that a split is read once and its truths stay at hand.

Their digests tell whether two runs were scored on the same samples against the same truths.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from avprompt.records import GroundTruth


@dataclass(frozen=True)
class _CompressedArray:
    """An array, compressed without loss; ones and zeros are kept as bits."""

    shape: tuple[int, ...]
    dtype: str
    bits: bool
    compressed: bytes

    @staticmethod
    def of(array: np.ndarray) -> _CompressedArray:
        bits = bool(np.array_equal(array, array != 0))
        content = np.packbits(array != 0).tobytes() if bits else array.tobytes()
        return _CompressedArray(array.shape, array.dtype.str, bits, zlib.compress(content, 1))

    def array(self) -> np.ndarray:
        content = zlib.decompress(self.compressed)
        if not self.bits:
            return np.frombuffer(content, dtype=self.dtype).reshape(self.shape)
        count = int(np.prod(self.shape))
        flags = np.unpackbits(np.frombuffer(content, dtype=np.uint8), count=count)
        return flags.astype(self.dtype).reshape(self.shape)


@dataclass(frozen=True)
class CompressedTruth:
    """One ground truth."""

    mask: _CompressedArray
    silent: _CompressedArray
    sources: int
    parts: _CompressedArray

    @staticmethod
    def of(truth: GroundTruth) -> CompressedTruth:
        """Compress a truth."""
        mask, silent, parts = map(_CompressedArray.of, (truth.mask, truth.silent, truth.parts))
        return CompressedTruth(mask, silent, truth.sources, parts)

    def truth(self) -> GroundTruth:
        """Return the truth as it was."""
        return GroundTruth(self.mask.array(), self.silent.array(), self.sources, self.parts.array())


@dataclass(frozen=True)
class CompressedTruths(Sequence[GroundTruth]):
    """The truths of samples, each decompressed when it is asked for."""

    compressed: tuple[CompressedTruth, ...] = ()

    @staticmethod
    def of(truths: Iterable[GroundTruth]) -> CompressedTruths:
        """Compress truths."""
        return CompressedTruths(tuple(CompressedTruth.of(truth) for truth in truths))

    def __len__(self) -> int:
        return len(self.compressed)

    def __getitem__(self, index: Any) -> Any:
        """Return the truth of the sample at `index`."""
        return self.compressed[index].truth()


def digests(ids: Sequence[str], truths: Sequence[GroundTruth]) -> dict[str, str]:
    """Return SHA-256 of what samples are scored against, the same in any order and on any machine.

    Args:
        ids: of N samples, unique.
        truths: of the same samples, as the benchmark gives them.

    Returns:
        `ids`, of the sorted ids as UTF-8, a zero byte behind each; and `truths`, of each sample in that
        order: its id, the shapes of its mask and of its silent objects' masks and how many sources it
        has, as text, then the masks, float32 in little-endian order and one byte a pixel; where sources
        are told apart their masks follow, one byte a pixel.
    """
    names, contents = hashlib.sha256(), hashlib.sha256()
    for name, index in sorted((name, index) for index, name in enumerate(ids)):
        truth = truths[index]
        names.update(f"{name}\0".encode())
        contents.update(f"{name}\0{truth.mask.shape} {truth.silent.shape} {truth.sources}\0".encode())
        contents.update(truth.mask.astype("<f4").tobytes())
        contents.update(truth.silent.astype(np.uint8).tobytes())
        contents.update(truth.parts.astype(np.uint8).tobytes())
    return {"ids": names.hexdigest(), "truths": contents.hexdigest()}
