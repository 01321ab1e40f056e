from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from avprompt.metrics.floors import (
    all_objects_iou,
    ceilings,
    centre_disc,
    floors,
    object_iou,
    oracle_ranking_iou,
)
from avprompt.records import GroundTruth


def mask_of(*pixels: tuple[int, int]) -> np.ndarray:
    mask = np.zeros((4, 4), dtype=np.float32)
    for row, column in pixels:
        mask[row, column] = 1
    return mask


def test_centre_disc_covers_half_and_is_symmetric() -> None:
    disc = centre_disc(224, 224)
    assert disc.mean() == pytest.approx(0.5, abs=1e-3)
    assert disc[112, 112]
    assert not disc[0, 0]
    assert (disc == disc[::-1]).all()
    assert (disc == disc.T).all()


def test_mean_truth_marks_where_objects_usually_are() -> None:
    corner = mask_of(*((row, column) for row in range(2) for column in range(4)))
    truths = [GroundTruth(corner), GroundTruth(corner), GroundTruth(1 - corner)]
    assert floors(truths)["mean-truth"]["cIoU"] == pytest.approx(200 / 3)


def test_oracle_ranking_by_hand() -> None:
    assert oracle_ranking_iou(mask_of((0, 0), (3, 3))) == 2 / 8
    assert oracle_ranking_iou(np.ones((4, 4))) == 8 / 16
    assert oracle_ranking_iou(np.zeros((4, 4))) == 0


def test_random_and_all_objects_by_hand() -> None:
    silent = mask_of((3, 3)).astype(bool)[None]
    truth = GroundTruth(mask_of((0, 0)), silent)
    assert object_iou(truth).tolist() == [1, 0]
    assert all_objects_iou(truth) == 0.5
    scores = floors([truth])
    assert scores["random-object"] == pytest.approx({"cIoU": 50, "AUC": 51.25})
    assert scores["all-objects"] == pytest.approx({"cIoU": 100, "AUC": 52.5})


def test_a_sample_without_silent_objects_has_one_choice() -> None:
    truth = GroundTruth(mask_of((0, 0)))
    assert object_iou(truth).tolist() == [1]
    assert all_objects_iou(truth) == 1


def test_object_floors_need_annotated_objects() -> None:
    assert set(floors([GroundTruth(mask_of((0, 0)))])) == {"centre-disc", "whole-image", "mean-truth"}


def fill(boxes: np.ndarray) -> np.ndarray:
    mask = np.zeros((224, 224), dtype=np.float32)
    for left, top, right, bottom in boxes:
        mask[top:bottom, left:right] = 1
    return mask


class Truths:
    """Masks of the official annotation, made one at a time."""

    def __init__(self, annotation: list[dict]) -> None:
        self.boxes = [item["bbox"] for item in annotation]

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, index: int) -> GroundTruth:
        # The official loaders' rule: clip to 0..1, times the side, truncate, fill, unite.
        return GroundTruth(fill((np.clip(self.boxes[index], 0, 1) * 224).astype(int)))


def test_published_floors_of_vggss(shared: Path) -> None:
    truths = Truths(json.loads((shared / "metadata/vggss/vggss.json").read_text()))
    assert len(truths) == 5158
    scores = floors(truths) | ceilings(truths)
    expected = {
        "oracle-ranking": (50.54, 49.47),
        "whole-image": (21.95, 31.25),
        "centre-disc": (34.02, 37.44),
        "mean-truth": (34.51, 37.76),
    }
    for name, (ciou, auc) in expected.items():
        assert scores[name] == pytest.approx({"cIoU": ciou, "AUC": auc}, abs=0.006), name


def test_published_ceilings_of_boxes_in_pixels(shared: Path) -> None:
    expected = {"vpo/vpo_ss_bbox.json": (43.26, 39.52), "avsbench/kaist_ms3_box.json": (52.50, 48.09)}
    for name, (ciou, auc) in expected.items():
        annotation = json.loads((shared / "metadata" / name).read_text())
        boxes = [np.reshape(item["gt_box"], (-1, 4)) for item in annotation]
        truths = [GroundTruth(fill(box.clip(0, 224).astype(int))) for box in boxes]
        assert ceilings(truths)["oracle-ranking"] == pytest.approx({"cIoU": ciou, "AUC": auc}, abs=0.006)
