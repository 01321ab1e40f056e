"""How a heatmap becomes a mask: the cuts that the field uses.

A cut is the value that a pixel must reach (`>=`) or exceed (`>`) to be part of the mask. Which cut
and which of the two comparisons a score used is what its protocol's name stands for.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from avprompt.metrics.sharing import shared

_FEW = 500


@shared
def normalise(heatmaps: np.ndarray) -> np.ndarray:
    """Stretch each map (B, H, W) to span 0..1; a constant map becomes all zero."""
    heatmaps = np.asarray(heatmaps, dtype=np.float32)
    low = heatmaps.min(axis=(1, 2), keepdims=True)
    span = heatmaps.max(axis=(1, 2), keepdims=True) - low
    return np.asarray((heatmaps - low) / np.where(span > 0, span, 1))


@shared
def median_cut(heatmaps: np.ndarray) -> np.ndarray:
    """Return each map's upper median (B,), the value at rank H * W // 2: half of the pixels reach it.

    This is the rule of LVS, EZ-VSL, SLAVC and FNAC. It is exact by rank, so pixels that tie with the
    median are all inside under `>=` and all outside under `>`.
    """
    flat = heatmaps.reshape(len(heatmaps), -1)  # (B, H * W)
    return np.array([at_rank(row, len(row) // 2) for row in flat])


def true_size_cut(heatmaps: np.ndarray, truths: np.ndarray) -> np.ndarray:
    """Return the cut (B,) at the true size of the object, "adaptive" in SSLalignment's evaluator.

    The value at rank H * W - n, where n counts the pixels with a truth above zero; where there is
    none, the median. The cut knows how large the object is, so scores under it are not comparable
    with those of a rule that does not.
    """
    flat = heatmaps.reshape(len(heatmaps), -1)  # (B, H * W)
    pixels = flat.shape[1]
    sizes = np.count_nonzero(truths, axis=(1, 2))
    ranks = pixels - np.where(sizes > 0, sizes, pixels - pixels // 2)
    return np.array([at_rank(row, int(rank)) for row, rank in zip(flat, ranks, strict=True)])


def at_rank(values: np.ndarray, rank: int) -> np.floating[Any]:
    """Return the value (N,) at a rank counted from 0 at the lowest, as sorting would find it.

    A few of the values tell about where it is, so that only those nearby need be looked through.
    """
    few = np.sort(values[:: max(1, len(values) // _FEW)])
    place, margin = rank * len(few) // len(values), 2 * round(len(few) ** 0.5)
    low = few[place - margin] if place >= margin else -np.inf
    high = few[place + margin] if place + margin < len(few) else np.inf
    near = values[(values >= low) & (values <= high)]
    within = rank - int(np.count_nonzero(values < low))
    if not 0 <= within < len(near):  # the few misled
        near, within = values, rank
    found: np.floating[Any] = np.partition(near, within)[within]
    return found


def binarise(
    heatmaps: np.ndarray, cuts: np.ndarray | float, compare: np.ufunc = np.greater_equal
) -> np.ndarray:
    """Compare each map (B, H, W) with its cut (B,), or all with one; a mask (B, H, W) bool."""
    cuts = np.asarray(cuts, dtype=np.float32).reshape(-1, 1, 1)
    return np.asarray(compare(np.asarray(heatmaps, dtype=np.float32), cuts), dtype=bool)
