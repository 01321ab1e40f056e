"""Fixtures of golden samples for the metrics: ten in the tree, all forty where ../shared is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

GOLDEN = Path(__file__).resolve().parents[1] / "data" / "golden" / "metrics.npz"
MASKS = ("gt", "gt_avsbench", "gt_extended")


@pytest.fixture(scope="session")
def golden_ten() -> SimpleNamespace:
    """The first ten samples, with `iou_at_half` as the official code returns it."""
    arrays = dict(np.load(GOLDEN))
    arrays |= {name: np.unpackbits(arrays[name], axis=-1) for name in MASKS}
    return _in_float32(arrays)


@pytest.fixture(scope="session")
def golden_forty(shared: Path) -> SimpleNamespace:
    """All forty samples, with what the official evaluators return under `expected`."""
    folder = shared / "golden" / "acl_tiny"
    expected = json.loads((folder / "metrics_expected.json").read_text())
    return _in_float32(load_file(folder / "metrics_io.safetensors"), expected=expected)


def _in_float32(arrays: Mapping[str, np.ndarray], **extra: Any) -> SimpleNamespace:
    maps = {name: arrays[name].astype(np.float32) for name in ("heatmap", *MASKS)}
    return SimpleNamespace(**{**arrays, **maps, **extra})
