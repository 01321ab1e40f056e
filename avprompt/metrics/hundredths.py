"""What the masks of all hundredths hold, at once: most protocols take their cuts from there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from avprompt.metrics.iou import count_sides, foreground, ratio, weigh
from avprompt.metrics.sharing import shared

CUTS = np.arange(101) / 100
"""The cuts 0, 0.01, .., 1."""

_PASSED = 2 * len(CUTS)


@dataclass(frozen=True)
class Tally:
    """What masks P hold of truths G; the first axis says whether pixels >= the cut are inside, or > it.

    Attributes:
        hit: sum(P * G), (2, B, 101).
        miss: sum(P * [G == 0]), (2, B, 101).
        marked: share of the image that P covers, (2, B, 101).
        truth: sum(G), (B,).
    """

    hit: np.ndarray
    miss: np.ndarray
    marked: np.ndarray
    truth: np.ndarray

    @property
    def iou(self) -> np.ndarray:
        """The IoU (2, B, 101)."""
        return ratio(self.hit, self.truth[:, None] + self.miss)


@shared
def tally(heatmaps: np.ndarray, truths: np.ndarray) -> Tally:
    """Measure heatmaps (B, H, W) under every hundredth, exactly as comparing in float32 does."""
    inside, whole, size = foreground(truths)
    levels = [_level(heatmap) for heatmap in np.asarray(heatmaps, dtype=np.float32)]
    passed = np.stack(
        [count_sides(*pair, _PASSED) for pair in zip(levels, inside, strict=True)]
    )  # (B, 2, 202)
    hit = passed[:, 1]
    if not whole:  # fractions must be summed, not counted
        hit = np.stack([weigh(*pair, _PASSED) for pair in zip(levels, truths, strict=True)])
    marked = passed.sum(axis=1) / np.float64(inside[0].size)
    return Tally(_apart(hit), _apart(passed[:, 0]), _apart(marked), size)


def _level(heatmap: np.ndarray) -> np.ndarray:
    """Count the comparisons (>= and > with each cut) that each pixel passes, (H, W) in 0..202.

    A pixel passes both with all cuts before the one that it is nearest to, and none after it.
    """
    last = np.float32(len(CUTS) - 1)
    nearest = heatmap * last
    np.rint(nearest, out=nearest)
    np.fmax(nearest, 0, out=nearest)
    np.fmin(nearest, last, out=nearest)
    cut = nearest / last  # rounds to the same float32 as the cut itself
    level = (2 * nearest).astype(np.uint8)
    level += heatmap >= cut
    level += heatmap > cut
    return np.asarray(level)


def _apart(values: np.ndarray) -> np.ndarray:
    """Take >= and > of each cut apart: (B, 202) -> (2, B, 101)."""
    return np.asarray(np.moveaxis(values.reshape(len(values), -1, 2), -1, 0), dtype=np.float64)
