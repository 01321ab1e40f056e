"""Held-out quality of pretrained encoders, in percent."""

from __future__ import annotations

import torch
from torch import Tensor

from avprompt_mini.pretraining.batches import normalise
from avprompt_mini.pretraining.losses import similarity
from avprompt_mini.pretraining.pool import Pool
from avprompt_mini.pretraining.student import Student


@torch.no_grad()
def measure(student: Student, held_out: Pool) -> dict[str, float]:
    """Measure what texts find in scenes, asking for the first object of each.

    Returns:
        cIoU (share of masks at logit 0 with IoU of at least 0.5) and mIoU for "a photo of a striped
        circle" and for the name folded into one token; mean area of masks for absent classes;
        zero-shot accuracy on masked copies; the share of scenes whose nearest class is visible.
    """
    student.eval()
    pixels = normalise(held_out.images)
    pooled, hidden, _ = student.clip.image(pixels)
    names, kinds, truth = student.name_classes(), held_out.kinds[:, 0], held_out.labels == 1
    result = {}
    for form, texts in (("text_prompt", names), ("one_token", student.name_classes(fold=True))):
        overlap = _iou(student.decoder(hidden, texts[kinds]) > 0, truth)
        result[f"{form}_ciou"] = _percent(overlap >= 0.5)
        result[f"{form}_miou"] = _percent(overlap)
    absent = names[_absent_kinds(held_out.kinds)]
    result["absent_class_area"] = _percent(student.decoder(hidden, absent) > 0)
    masked = student.clip.image.pool(pixels * truth[:, None])
    result["masked_object_accuracy"] = _percent(similarity(masked, names).argmax(1) == kinds)
    nearest = similarity(pooled, names).argmax(1)
    result["scene_nearest_class_visible"] = _percent((nearest[:, None] == held_out.kinds).any(1))
    student.train()
    return result


def _absent_kinds(kinds: Tensor) -> Tensor:
    """Return for each scene the first class after its first object's that is not there."""
    rows = [row for row in kinds.tolist()]
    return torch.tensor([next(k % 24 for k in range(row[0] + 1, 99) if k % 24 not in row) for row in rows])


def _iou(drawn: Tensor, truth: Tensor) -> Tensor:
    union = (drawn | truth).flatten(1).sum(1)
    return (drawn & truth).flatten(1).sum(1) / union.clamp(min=1)


def _percent(values: Tensor) -> float:
    return round(100 * values.float().mean().item(), 1)
