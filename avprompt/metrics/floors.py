"""What can be scored without a model: floors beneath every result, and the ceiling of a rule.

A floor uses no sound and no image, or only knowledge of where objects are. A score that does not
clear its floor says nothing about listening. Scores are in percent, the IoU of one sample is in 0..1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from avprompt.metrics.iou import TruthMasks, auc, ciou, iou_of
from avprompt.metrics.threshold import binarise, median_threshold
from avprompt.records import GroundTruth

Scores = dict[str, float]


def floors(truths: Sequence[GroundTruth]) -> dict[str, Scores]:
    """Score guesses that never listen, each as cIoU and AUC in percent.

    `centre-disc` covers the half of the image nearest to its centre, `whole-image` all of it,
    `mean-truth` the half that the test set's own average truth ranks highest. Where silent objects
    are annotated, `random-object` is the expected score of marking one visible object blindly and
    `all-objects` that of marking every one.

    Args:
        truths: of one split, all masks of one size (H, W); walked through two or three times.
    """
    masks = masks_of_guesses(truths)
    guesses, iou, silent = np.stack([*masks.values()]), [], 0
    for truth in truths:
        iou.append(_iou_with(guesses, truth.mask))
        silent += len(truth.silent)
    scores = dict(zip(masks, map(_scores, np.transpose(iou)), strict=True))
    return scores | _among_objects(truths) if silent else scores


def _among_objects(truths: Sequence[GroundTruth]) -> dict[str, Scores]:
    """Score guesses that know every visible object, sounding or not."""
    of_each_object, of_all_objects = [], []
    for truth in truths:
        of_each_object.append(object_iou(truth))
        of_all_objects.append(all_objects_iou(truth))
    return {"random-object": _expected(of_each_object), "all-objects": _scores(np.array(of_all_objects))}


def masks_of_guesses(truths: Sequence[GroundTruth]) -> dict[str, np.ndarray]:
    """Return what `centre-disc`, `whole-image` and `mean-truth` mark, (H, W) bool; see `floors`."""
    shape, total = truths[0].mask.shape, np.zeros(truths[0].mask.shape)
    for truth in truths:
        total += truth.mask
    whole = np.ones(shape, dtype=bool)
    return {"centre-disc": centre_disc(*shape), "whole-image": whole, "mean-truth": median_mask(total)}


def guess_iou(truths: Sequence[GroundTruth]) -> dict[str, np.ndarray]:
    """Return the IoU (N,) with every truth of what `masks_of_guesses` marks."""
    masks = masks_of_guesses(truths)
    iou = [_iou_with(np.stack([*masks.values()]), truth.mask) for truth in truths]
    return dict(zip(masks, np.transpose(iou), strict=True))


def ceilings(truths: Sequence[GroundTruth]) -> dict[str, Scores]:
    """Score the best that a perfect ranking of the pixels reaches under the median rule."""
    return {"oracle-ranking": _scores(np.array([oracle_ranking_iou(truth.mask) for truth in truths]))}


def centre_disc(height: int, width: int) -> np.ndarray:
    """Return the half of the image nearest to its centre, (H, W) bool: the median rule on nearness."""
    rows, columns = np.arange(height) - (height - 1) / 2, np.arange(width) - (width - 1) / 2
    return median_mask(-(rows[:, None] ** 2 + columns**2))


def median_mask(ranking: np.ndarray) -> np.ndarray:
    """Keep the upper half (H, W) bool of a ranking of the pixels (H, W), ties included."""
    return binarise(ranking[None], median_threshold(ranking[None])).squeeze(0)


def object_iou(truth: GroundTruth) -> np.ndarray:
    """Return the IoU (1 + n,) with the truth of the sounding object's mask and each silent one's."""
    silent = truth.silent if len(truth.silent) else np.zeros((0, *truth.mask.shape), dtype=bool)
    return _iou_with(np.concatenate([truth.mask[None] > 0, silent]), truth.mask)


def all_objects_iou(truth: GroundTruth) -> float:
    """Return the IoU with the truth of every visible object together, sounding or not."""
    everything = (truth.mask > 0) | truth.silent.any(axis=0)
    return float(_iou_with(everything[None], truth.mask)[0])


def oracle_ranking_iou(mask: np.ndarray) -> float:
    """Return the IoU of the half of the image that holds as much of the truth (H, W) as can be."""
    truth, room = mask[mask > 0], mask.size - mask.size // 2
    whole = truth.sum(dtype=np.float64) + max(room - len(truth), 0)
    if len(truth) > room:
        truth = np.partition(truth, -room)[-room:]
    return float(truth.sum(dtype=np.float64) / whole)


def _iou_with(masks: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the IoU (n,) of masks (n, H, W) with one truth (H, W)."""
    return iou_of(masks, TruthMasks(np.broadcast_to(truth, masks.shape)))


def _scores(iou: np.ndarray) -> Scores:
    return {"cIoU": 100 * float(ciou(iou)), "AUC": 100 * float(auc(iou))}


def _expected(choices: Sequence[np.ndarray]) -> Scores:
    """Average over samples the average over each sample's equally likely choices."""
    iou, counts = np.concatenate(choices), np.array([len(choice) for choice in choices])
    starts = np.cumsum(counts) - counts
    scores = {"cIoU": iou >= 0.5, "AUC": auc(iou[None])}
    means = {name: np.add.reduceat(of_each, starts, dtype=float) / counts for name, of_each in scores.items()}
    return {name: 100 * float(np.mean(mean)) for name, mean in means.items()}
