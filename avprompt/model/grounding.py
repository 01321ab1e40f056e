"""Grounding: what losses compare, made of mask logits: masked features and areas, each image encoded once.

Follows ACL-SSL (arXiv 2311.04066), which SouPLe (arXiv 2603.22732) keeps. i indexes images, j audios.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from avprompt.distributed import Rows
from avprompt.model.outputs import feature_masks, hard_masks
from avprompt.records import ImageFeatures

if TYPE_CHECKING:
    from avprompt.model.parts import Masker

Noise = Callable[[Tensor], Tensor]
"""Draws the uniform noise of hard masks, shaped as the logits (b, B, h, w)."""


def resize_maps(maps: Tensor, size: tuple[int, int], mode: str) -> Tensor:
    """Resize maps (..., H, W) to (..., *size); `mode` as in torch, corners not aligned."""
    if maps.shape[-2:] == size:
        return maps
    flat = maps.reshape(-1, 1, *maps.shape[-2:])
    corners = None if mode == "nearest" else False
    return F.interpolate(flat, size, mode=mode, align_corners=corners).reshape(*maps.shape[:-2], *size)


def masked_mean(dense: Tensor, masks: Tensor) -> Tensor:
    """Return the dense feature under every mask, up to one scale for the whole batch.

    The scale is the total of all masks, as in the published code; losses compare directions only.

    Args:
        dense: (B_image, D, h, w).
        masks: (B_image, B_audio, h, w), at least 0.

    Returns:
        (B_image, B_audio, D).
    """
    total = torch.einsum("ijhw,idhw->ijd", masks, dense)
    return total / masks.sum()


class Grounding:
    """What losses may need of one batch, each item computed once, when it is first asked for.

    Where the batch is spread over ranks, a rank has the maps of its own b images (`logits`, `hard_masks`)
    under all B audios; what losses compare (`text`, `image_level`, `feature_level`, `areas`) is gathered,
    so that every rank computes the loss of the whole batch. In one process b = B.

    Attributes:
        logits: (b, B, h, w) mask logits G[i, j].
    """

    def __init__(
        self,
        masker: Masker,
        pool_image: Callable[[Tensor], Tensor],
        pixels: Tensor,
        image: ImageFeatures,
        text: Tensor,
        logits: Tensor,
        noise: Noise,
        rows: Rows,
    ) -> None:
        """Keep what the items are made of.

        Args:
            masker: makes masks of logits.
            pool_image: the backbone's, (b, 3, H, W) to (b, D).
            pixels: (b, 3, H, W) of the own images, normalised.
            image: features of these pixels.
            text: (b, B, D), audio j as read for image i.
            logits: (b, B, h, w) mask logits, of any precision.
            noise: draws the noise of the hard masks.
            rows: where the own images stand in the batch of B clips.
        """
        self._masker, self._pool, self._pixels, self._image = masker, pool_image, pixels, image
        self._text, self._noise, self._rows = text, noise, rows
        self.logits = logits.float()

    @cached_property
    def text(self) -> Tensor:
        """A (B, B, D): text feature of audio j as read for image i; with `own` pairing the same for all i."""
        return self._rows.gather(self._text)

    @cached_property
    def hard_masks(self) -> Tensor:
        """0/1 masks (b, B, h, w), straight-through gradient."""
        return hard_masks(self._masker, self.logits, self._noise(self.logits))

    @cached_property
    def image_level(self) -> Tensor:
        """v^I (B, D): CLIP's pooled feature of image i times its own hard mask."""
        own = torch.diagonal(self.hard_masks, offset=self._rows.start).movedim(-1, 0)  # (b, h, w)
        mask = resize_maps(own, self._size(), mode="bilinear").unsqueeze(1)
        return self._rows.gather(self._pool(self._pixels * mask).float())

    @cached_property
    def feature_level(self) -> Tensor:
        """v^F (B, B, D): dense feature of image i under the feature mask of G[i, j], see `masked_mean`."""
        dense = self._image.dense.float()
        height, width = dense.shape[-2:]
        return self._rows.gather(
            masked_mean(dense, feature_masks(self._masker, self.logits, (height, width)))
        )

    @cached_property
    def areas(self) -> tuple[Tensor, Tensor]:
        """Mean hard-mask area p of pairs (i, i), and n: the mean over all pairs minus p / B."""
        area = self._rows.gather(self.hard_masks.mean((-2, -1)))  # (B, B)
        own = area.diagonal().mean()
        return own, area.mean() - own / len(area)

    def _size(self) -> tuple[int, int]:
        height, width = self._pixels.shape[-2:]
        return height, width
