"""Boxes and maps on disk."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest

from avprompt.errors import ConfigError
from avprompt.localization.keeping import Keeper, checked_saved, keeping_boxes, keeping_maps
from avprompt.localization.maps import TimedMap

DRAW = np.random.default_rng(0)
MAPS = [TimedMap(k / 4, DRAW.random((4, 6)).astype(np.float32), 0.1 * k) for k in range(5)]


def test_maps_come_back(tmp_path: Path) -> None:
    with keeping_maps(tmp_path / "maps.npz", len(MAPS), (4, 6)) as keep:
        for each in MAPS:
            keep(each)
    with np.load(tmp_path / "maps.npz") as kept:
        assert sorted(kept.files) == ["confidence", "heatmap", "time"]
        assert kept["heatmap"].dtype == np.float16
        np.testing.assert_allclose(kept["heatmap"], [each.heatmap for each in MAPS], atol=1e-3)
        np.testing.assert_allclose(kept["time"], [0, 0.25, 0.5, 0.75, 1])
        np.testing.assert_allclose(kept["confidence"], [each.confidence for each in MAPS])


def test_boxes_are_told_by_time(tmp_path: Path) -> None:
    left = TimedMap(0.25, np.array([[1, 0.2, 0, 0], [0.9, 0.2, 0, 0]], np.float32), 0.43219)
    with keeping_boxes(tmp_path / "boxes.json", {"video": "über.mp4"}, 0.5) as keep:
        keep(TimedMap(0, np.zeros((2, 4), np.float32), -0.1))
        keep(left)
    assert json.loads((tmp_path / "boxes.json").read_text()) == {
        "video": "über.mp4",
        "threshold": 0.5,
        "maps": [
            {"time": 0, "confidence": -0.1, "peak": [0.125, 0.25, 0], "boxes": []},
            {"time": 0.25, "confidence": 0.4322, "peak": [0.125, 0.25, 1], "boxes": [[0, 0, 0.25, 1]]},
        ],
    }


@pytest.mark.parametrize(
    "keeping",
    [lambda path: keeping_boxes(path, {}, 0.5), lambda path: keeping_maps(path, len(MAPS), (4, 6))],
    ids=["json", "npz"],
)
def test_nothing_is_left_of_what_broke_off(
    tmp_path: Path, keeping: Callable[[Path], AbstractContextManager[Keeper]]
) -> None:
    def broken_off() -> None:
        with keeping(tmp_path / "file") as keep:
            keep(MAPS[0])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken_off()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("save", ["json", ["csv"], ["json", "mp4"]])
def test_says_what_can_be_kept(save: list[str]) -> None:
    with pytest.raises(ConfigError, match="save takes a list of 'json' and 'npz', not "):
        checked_saved(save)
