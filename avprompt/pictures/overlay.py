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

CONTOUR = "#35d6ff"
"""The colour of the line around a mask: no heat and no truth has it."""

_SUPERSAMPLING = 3
_FINEST = 480
"""Side of the map on which a contour is drawn, pixels, at most; it is brought to the image's size."""


def colour(heatmap: np.ndarray) -> np.ndarray:
    """Colour a heatmap (H, W) in 0..1 from black through red to pale yellow."""
    stops = np.linspace(0, 1, len(MAGMA))
    channels = [np.interp(heatmap, stops, MAGMA[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


_PALETTE = colour(np.linspace(0, 1, 256)[None])[0].ravel().tolist()
_OPACITY = [round(0.55 * level) for level in range(256)]
"""Of each level of heat, both in 0..255: what is under the hottest shines through."""
_SEEN = [level if level > 3 else 0 for level in range(256)]
"""Of each level, whether anybody could see it."""


def overlay(
    image: np.ndarray, heatmap: np.ndarray, truth: np.ndarray | None = None, threshold: float | None = None
) -> np.ndarray:
    """Lay a heatmap (h, w) in 0..1 over an image; see `lay_heat`.

    Args:
        image: (H, W, 3) uint8.
        heatmap: (h, w) in 0..1.
        truth: (h, w), of which the outline is drawn in white.
        threshold: that makes a mask of the heatmap, of which the contour is drawn.
    """
    shown = np.asarray(lay_heat(Image.fromarray(image), heatmap, threshold))
    return shown if truth is None else outline(shown, truth)


def lay_heat(image: Image.Image, heatmap: np.ndarray, threshold: float | None = None) -> Image.Image:
    """Return an image with a heatmap (h, w) in 0..1 over it, so transparent that all stays visible.

    The image is drained of some of its colour, so that colour means heat. A coloured line goes around what is
    at or above the threshold, where one is given. Only the part of the image that is hot is worked on.
    """
    shown = Image.blend(image, image.convert("L").convert("RGB"), 0.4)
    heat, place = _enlarged(_grey(heatmap), image.size)
    coloured = heat.copy()
    coloured.putpalette(_PALETTE)
    shown.paste(coloured.convert("RGB"), place, heat.point(_OPACITY))
    if threshold is not None:
        scale = min(2.0, _FINEST / max(image.size))
        width, height = (max(1, round(side * scale)) for side in image.size)
        inside = stretch(heatmap, (height, width)) >= threshold
        for ink, reach, opacity in (("black", 5, 120), (CONTOUR, 3, 255)):
            line, place = _enlarged(_border(inside, reach, opacity), image.size)
            shown.paste(ink, (*place, place[0] + line.width, place[1] + line.height), line)
    return shown


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


def _border(inside: np.ndarray, reach: int, level: int) -> Image.Image:
    """Return a line of a level in 0..255 along the border of a mask (h, w), an odd number of pixels wide."""
    count = _neighbours(inside, reach)
    return Image.fromarray(np.uint8(level) * ((count > 0) & (count < reach**2)))


def _enlarged(small: Image.Image, size: tuple[int, int]) -> tuple[Image.Image, tuple[int, int]]:
    """Enlarge a grey picture to a size (W, H); returns the part that is not black, and its corner."""
    across, down = size[0] / small.width, size[1] / small.height
    box = small.point(_SEEN).getbbox() or (0, 0, 1, 1)
    left, top = (max(0, int((edge - 2) * scale)) for edge, scale in zip(box[:2], (across, down), strict=True))
    right, bottom = (
        min(side, int((edge + 2) * scale) + 1)
        for side, edge, scale in zip(size, box[2:], (across, down), strict=True)
    )
    source = left / across, top / down, right / across, bottom / down
    part = small.resize((right - left, bottom - top), Image.Resampling.BICUBIC, box=source)
    return part, (left, top)


def _grey(values: np.ndarray) -> Image.Image:
    """Return values (h, w) in 0..1 as a picture of 256 levels."""
    return Image.fromarray((255 * values.clip(0, 1)).round().astype(np.uint8))


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
