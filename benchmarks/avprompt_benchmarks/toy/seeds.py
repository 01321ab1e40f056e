"""One random generator for every item of the toy world."""

from __future__ import annotations

import zlib

import numpy as np


def generator(seed: int, stream: str, index: int) -> np.random.Generator:
    """Return the generator of item `index` of a stream, such as a split; no two items share one."""
    return np.random.default_rng(np.random.SeedSequence([seed, zlib.crc32(stream.encode()), index]))
