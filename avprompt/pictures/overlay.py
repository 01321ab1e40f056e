"""Heatmaps as pictures: colours that rise evenly in lightness, laid over the image.

All pictures are (H, W, 3) uint8; heatmaps and truths may have any size and are brought to that of
the image.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

MAGMA = np.array(
    [
        [0x00, 0x00, 0x04],
        [0x1D, 0x11, 0x47],
        [0x51, 0x12, 0x7C],
        [0x83, 0x26, 0x81],
        [0xB7, 0x37, 0x79],
        [0xE7, 0x52, 0x63],
        [0xFC, 0x89, 0x61],
        [0xFE, 0xC4, 0x88],
        [0xFC, 0xFD, 0xBF],
    ]
)
"""Nine evenly spaced colours of magma, the map of S. van der Walt and N. Smith (CC0)."""

_SUPERSAMPLING = 3


def colour(heatmap: np.ndarray) -> np.ndarray:
    """Colour a heatmap (H, W) in 0..1 from black through red to pale yellow."""
    stops = np.linspace(0, 1, len(MAGMA))
    channels = [np.interp(heatmap, stops, MAGMA[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


def overlay(image: np.ndarray, heatmap: np.ndarray, truth: np.ndarray | None = None) -> np.ndarray:
    """Lay a heatmap (h, w) in 0..1 over an image, with the outline of the truth (h, w) if given.

    The image is dimmed and half drained of colour, so that colour means heat.
    """
    heat = stretch(heatmap, image.shape[:2])[..., None]  # (H, W, 1)
    grey = image.mean(axis=-1, keepdims=True)
    dimmed = 0.8 * (0.5 * image + 0.5 * grey)
    shown = dimmed * (1 - 0.85 * heat) + colour(heat[..., 0]) * (0.85 * heat)
    return shown.astype(np.uint8) if truth is None else outline(shown.astype(np.uint8), truth)


def spotlight(image: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Show an image bright inside the truth (h, w) in 0..1 and dark elsewhere, with its outline."""
    light = 0.3 + 0.7 * stretch(truth, image.shape[:2])[..., None]  # (H, W, 1)
    return outline((image * light).astype(np.uint8), truth)


def outline(image: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Draw where a truth (h, w) ends: a white line on a dark one, legible on any ground."""
    thickness = max(1.0, min(image.shape[:2]) / 150)
    shadow = _edge(truth, image.shape[:2], thickness + 1.5)[..., None] * 0.6
    line = _edge(truth, image.shape[:2], thickness)[..., None]
    shown = image * (1 - shadow) * (1 - line) + 255 * line
    return np.asarray(shown.round(), dtype=np.uint8)


def stretch(values: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Resize a map (h, w) in 0..1 to (H, W), bicubically and within its range."""
    height, width = size
    resized = Image.fromarray(values.astype(np.float32)).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(resized).clip(0, 1)


def _edge(truth: np.ndarray, size: tuple[int, ...], thickness: float) -> np.ndarray:
    """Return how much of each pixel the edge covers, (H, W) in 0..1."""
    height, width = size
    fine = stretch(truth > 0, (height * _SUPERSAMPLING, width * _SUPERSAMPLING)) >= 0.5
    reach = 2 * round(thickness * _SUPERSAMPLING / 2) + 1
    count = _neighbours(fine, reach)
    edge = Image.fromarray(np.uint8(255) * ((count > 0) & (count < reach**2))).reduce(_SUPERSAMPLING)
    return np.asarray(edge) / np.float32(255)


def _neighbours(inside: np.ndarray, reach: int) -> np.ndarray:
    """Count what is inside (H, W) in the square of odd side `reach` around each pixel, borders repeated."""
    counts = np.pad(inside, reach // 2, mode="edge").astype(np.int32)
    for _ in range(2):  # down the columns, then, transposed, along the rows
        sums = np.pad(counts.cumsum(0, dtype=np.int32), ((1, 0), (0, 0)))
        counts = (sums[reach:] - sums[:-reach]).T
    return counts
