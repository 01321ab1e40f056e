"""How a heatmap becomes a mask: the thresholds that the field uses.

A pixel must reach the threshold (`>=`) or exceed it (`>`) to be part of the mask. Which threshold and
which of the two comparisons a score used is what its protocol's name stands for.
"""

from __future__ import annotations

from typing import Any

import numpy as np

GRID = np.arange(1, 20) / 20
"""The fixed thresholds 0.05, 0.10, .., 0.95."""


def normalise(heatmaps: np.ndarray) -> np.ndarray:
    """Stretch each map (B, H, W) to span 0..1; a constant map becomes all zero."""
    heatmaps = np.asarray(heatmaps, dtype=np.float32)
    low = heatmaps.min(axis=(1, 2), keepdims=True)
    span = heatmaps.max(axis=(1, 2), keepdims=True) - low
    return np.asarray((heatmaps - low) / np.where(span > 0, span, 1))


def median_threshold(heatmaps: np.ndarray) -> np.ndarray:
    """Return each map's upper median (B,), the value at rank H * W // 2: half of the pixels reach it.

    This is the rule of LVS, EZ-VSL, SLAVC and FNAC. It is exact by rank, so pixels that tie with the
    median are all inside under `>=` and all outside under `>`.
    """
    flat = heatmaps.reshape(len(heatmaps), -1)  # (B, H * W)
    return np.array([at_rank(row, len(row) // 2) for row in flat])


def true_size_threshold(heatmaps: np.ndarray, truths: np.ndarray) -> np.ndarray:
    """Return the threshold (B,) at the true size of the object, "adaptive" in SSLalignment's evaluator.

    The value at rank H * W - n, where n counts the pixels with a truth above zero; where there is
    none, the median. The threshold knows how large the object is, so scores under it are not
    comparable with those of a rule that does not.
    """
    flat = heatmaps.reshape(len(heatmaps), -1)  # (B, H * W)
    pixels = flat.shape[1]
    sizes = np.count_nonzero(truths, axis=(1, 2))
    ranks = pixels - np.where(sizes > 0, sizes, pixels - pixels // 2)
    return np.array([at_rank(row, int(rank)) for row, rank in zip(flat, ranks, strict=True)])


def at_rank(values: np.ndarray, rank: int) -> np.floating[Any]:
    """Return the value (N,) at a rank counted from 0 at the lowest, as sorting would find it."""
    value: np.floating[Any] = np.partition(values, rank)[rank]
    return value


def binarise(
    heatmaps: np.ndarray, thresholds: np.ndarray | float, compare: np.ufunc = np.greater_equal
) -> np.ndarray:
    """Compare each map (B, H, W) with its threshold (B,), or all with one; a mask (B, H, W) bool."""
    thresholds = np.asarray(thresholds, dtype=np.float32).reshape(-1, 1, 1)
    return np.asarray(compare(np.asarray(heatmaps, dtype=np.float32), thresholds), dtype=bool)
