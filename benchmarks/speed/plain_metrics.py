"""What every protocol measures, one sample and one threshold at a time.

Written from the protocols' rules as what their vectorised forms are compared with. A map `m` and a truth `g`
are (H, W) float32 in 0..1; a mask is (H, W) bool.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Row = dict[str, np.ndarray | np.float64]
"""Measurements of one sample by name."""

TWENTIETHS = [np.float32(k / 20) for k in range(1, 20)]
HUNDREDTHS = [np.float32(k / 100) for k in range(101)]
F_THRESHOLDS = [np.float32(threshold) for threshold in np.linspace(0, 1 - 1e-10, 255)]


def sweep(m: np.ndarray, g: np.ndarray) -> Row:
    """Fixed thresholds."""
    return {"iou": np.array([iou(m >= threshold, g) for threshold in TWENTIETHS])}


def ezvsl(m: np.ndarray, g: np.ndarray) -> Row:
    """The half of the map that ranks highest, ties inside."""
    m = stretch(m)
    return {"iou": iou(m >= ranked(m, m.size // 2), g)}


def lvs(m: np.ndarray, g: np.ndarray) -> Row:
    """The same, ties outside."""
    m = stretch(m)
    return {"iou": iou(m > ranked(m, m.size // 2), g)}


def adaptive(m: np.ndarray, g: np.ndarray) -> Row:
    """As many pixels as the object has."""
    m, size = stretch(m), int((g > 0).sum())
    return {"iou": iou(m > ranked(m, m.size - size if size else m.size // 2), g)}


def interactive(m: np.ndarray, g: np.ndarray) -> Row:
    """Both rules of SSLalignment."""
    return {"iou": lvs(m, g)["iou"], "iou_adaptive": adaptive(m, g)["iou"]}


def extended(m: np.ndarray, g: np.ndarray) -> Row:
    """The raw map's median, and fixed thresholds."""
    by_threshold = np.array([iou(m >= threshold, g) for threshold in TWENTIETHS])
    return {"iou": iou(m >= ranked(m, m.size // 2), g), "iou_by_threshold": by_threshold}


def negative(m: np.ndarray, g: np.ndarray) -> Row:
    """IoU and marked share above each hundredth, and the peak."""
    masks = [m > threshold for threshold in HUNDREDTHS]
    area = np.array([mask.mean() for mask in masks])
    return {"iou": np.array([iou(mask, g) for mask in masks]), "area": area, "peak": m.max()}


def avsbench(m: np.ndarray, g: np.ndarray) -> Row:
    """Frame IoU above each threshold, and the F-measure at 255."""
    return {
        "iou": np.array([frame_iou(m > threshold, g > 0) for threshold in TWENTIETHS]),
        "f": np.array([f_measure(m >= threshold, g > 0) for threshold in F_THRESHOLDS]),
    }


def avatar(m: np.ndarray, g: np.ndarray) -> Row:
    """One threshold."""
    mask = m >= np.float32(0.5)
    return {"iou": iou(mask, g), "area": mask.mean()}


PLAIN: dict[str, Callable[[np.ndarray, np.ndarray], Row]] = {
    "val-threshold": sweep,
    "acl-sweep": sweep,
    "ezvsl-median": ezvsl,
    "lvs-median": lvs,
    "kaist-adaptive": adaptive,
    "kaist-interactive": interactive,
    "slavc-extended": extended,
    "negative-audio": negative,
    "avsbench-official": avsbench,
    "avsbench-dataset": avsbench,
    "avatar": avatar,
}


def measure_plainly(name: str, heatmaps: np.ndarray, truths: np.ndarray) -> Row:
    """Measure maps (B, H, W) one by one, as protocol `name` does; first axis B."""
    rows = [PLAIN[name](m, g) for m, g in zip(heatmaps, truths, strict=True)]
    return {key: np.array([row[key] for row in rows]) for key in rows[0]}


def iou(mask: np.ndarray, g: np.ndarray) -> np.float64:
    """Return what mask and truth share, over the truth and what the mask marks outside of it."""
    whole = g.sum(dtype=np.float64) + (mask & (g == 0)).sum()
    return np.float64((mask * g).sum(dtype=np.float64) / whole if whole else 0)


def frame_iou(mask: np.ndarray, object_: np.ndarray) -> np.float64:
    """Return AVSBench's IoU; where there is no object, the share of pixels rightly left out."""
    if not object_.any():
        return np.float64((~mask).sum() / (mask.size + 1e-7))
    return np.float64((mask & object_).sum() / ((mask | object_).sum() + 1e-7))


def f_measure(mask: np.ndarray, object_: np.ndarray) -> float:
    """Return AVSBench's F, precision weighed above recall; NaN where there is no object."""
    if not object_.any():
        return float("nan")
    hit = (mask & object_).sum()
    precision, recall = hit / (mask.sum() + 1e-20), hit / object_.sum()
    weighted = 0.3 * precision + recall
    return float(1.3 * precision * recall / weighted if weighted else 0)


def stretch(m: np.ndarray) -> np.ndarray:
    """Stretch a map to 0..1."""
    span = m.max() - m.min()
    return np.asarray((m - m.min()) / (span or np.float32(1)))


def ranked(m: np.ndarray, rank: int) -> np.float32:
    """Return the value at a rank, counted from the lowest."""
    return np.float32(np.sort(m, axis=None)[rank])
