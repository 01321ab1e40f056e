"""What the image encoder makes of a batch of evaluation images, checked."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from avprompt.data.inputs import ImageInput
from avprompt.evaluation.finite import check_finite
from avprompt.features.encoding import Encoding
from avprompt.records import ImageFeatures


def encode_images(encoding: Encoding, images: Sequence[ImageInput]) -> ImageFeatures:
    """Return the features of B images, on the method's device.

    Raises:
        EvaluationError: they are not finite; names the sample.
    """
    keys = [image.key for image in images]
    features = encoding.images(stacked(images, encoding.device), keys if all(keys) else ())
    what = f"What {type(encoding.method.backbone).__name__} made of the image"
    for rows in (features.pooled, features.dense, *features.hidden):
        check_finite(rows, [image.sample.id for image in images], what)
    return features


def stacked(images: Sequence[ImageInput], device: torch.device) -> Tensor:
    """Return the pixels (B, 3, H, W) of B images on a device."""
    return torch.stack([image.pixels for image in images]).to(device)
