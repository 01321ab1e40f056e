"""A split under altered context: the prompt is made for something else than the image it is used in.

Ours: no paper of the field measures it. The text feature is read with another image's context, with that of
a blank image, or with the mean context of the split; the mask is decoded from the own image all the same.
Whoever marks the same place under all of these does not need the context that it makes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor

from avprompt.data.inputs import ImageInput, ImageReader, InputSpec, evaluation_items
from avprompt.distributed import ALONE, Ranks, merged, together
from avprompt.evaluation.images import encode_images
from avprompt.evaluation.sounds import AudioTokens, partners
from avprompt.features.encoding import Encoding
from avprompt.model.method import Method
from avprompt.records import ImageFeatures, Sample

SOUNDS = ("true", "shuffled", "silent")
CONTEXTS = MappingProxyType({"other": SOUNDS, "mean": SOUNDS, "blank": ("true",)})
"""Altered context -> the sounds that it is measured with: the own, another and none."""


def condition(context: str, sound: str) -> str:
    """Return the name of a sound under an altered context, among the conditions of a split."""
    return f"{sound}/{context}-context"


CONDITIONS = tuple(condition(context, sound) for context, sounds in CONTEXTS.items() for sound in sounds)


@dataclass(frozen=True)
class AlteredContexts:
    """What a prompt generator makes of other images than the own, for the N samples of a split.

    Attributes:
        other: sound -> text features (N, D) under another image's context, NaN where there is no sound or no
            image. Empty where fewer than three samples can be used.
        mean: the context tokens (1, M, E) of the split's images in the mean; None where the sound has a share
            in the context, or the prompt generator tells none (`image_context`).
        blank: features of one image of the mean colour, zeros once it is normalised.
    """

    other: Mapping[str, Tensor]
    mean: Tensor | None
    blank: ImageFeatures

    @torch.no_grad()
    def texts(
        self, method: Method, audio: AudioTokens, places: Sequence[int]
    ) -> Iterator[tuple[str, Tensor]]:
        """Yield the text features (B, D) of the samples at B places, by condition."""
        device = self.blank.pooled.device
        for sound in (sound for sound in SOUNDS if sound in audio.by_condition):
            heard = audio.under(sound, places, device)
            if sound in self.other:
                yield condition("other", sound), self.other[sound][places].to(device)
            if self.mean is not None:
                yield condition("mean", sound), method.read_with(heard, self.mean.to(device))
            if sound in CONTEXTS["blank"]:
                yield condition("blank", sound), method.read(heard, self.blank[[0] * len(heard)])


@dataclass(frozen=True)
class ContextReader:
    """Reads the prompts of a split under other images, each image encoded once; each rank its batches.

    That is a pass over the images of its own, before the one that decodes masks: the mean needs all of them.
    """

    encoding: Encoding
    spec: InputSpec
    ranks: Ranks = ALONE
    workers: int = 0

    def read(
        self, samples: Sequence[Sample], audio: AudioTokens, *, batch_size: int, seed: int = 0
    ) -> AlteredContexts | None:
        """Return the altered contexts of a split; every rank returns all of them.

        Another image stands two places before the own one in the circle of the shuffled sounds, where another
        sound stands one before: under both, sound and context are of two different clips.

        Args:
            samples: of the split.
            audio: its sounds.
            batch_size: images encoded at once.
            seed: of the shuffled sounds.

        Returns:
            None where the prompt does not depend on the image, or nothing can be heard.

        Raises:
            EvaluationError: what was made of an image is not finite; names the sample.
        """
        heard = np.array(list(audio.names), dtype=int)
        if not self.encoding.method.prompt.looks or not len(heard):
            return None
        shares, unseen = self._pass(
            samples, audio, partners(heard, len(samples), seed, distance=2), batch_size
        )
        if unseen:  # who was to have their context takes that of the next
            donors = partners(heard, len(samples), seed, distance=2, without=unseen)
            shares, _ = self._pass(samples, audio, donors, batch_size)
        images = len(heard) - len(unseen)
        sums = merged([share.sums for share in shares])
        return AlteredContexts(
            _joined(shares, len(samples)) if images > 2 else {},
            (torch.stack([*sums.values()]).sum(0) / images).float()[None] if sums else None,
            self._blank(),
        )

    def _pass(
        self, samples: Sequence[Sample], audio: AudioTokens, donors: np.ndarray, batch_size: int
    ) -> tuple[list[_Share], list[int]]:
        """Return what each rank read, and the places of images that cannot be read though they are heard."""
        borrowers = np.argsort(donors)
        shares = together(self.ranks, lambda: self._share(samples, audio, borrowers, batch_size))
        return shares, sorted(place for share in shares for place in share.unseen)

    @torch.no_grad()
    def _share(
        self, samples: Sequence[Sample], audio: AudioTokens, borrowers: np.ndarray, batch_size: int
    ) -> _Share:
        """Read the prompts of those who borrow from the images of this rank's batches."""
        share, method, device = _Share(), self.encoding.method, self.encoding.device
        read = ImageReader(self.spec, keyed=self.encoding.stored.images is not None)
        for items in evaluation_items(samples, read, batch_size, self.workers, ranks=self.ranks):
            heard = [(place, item) for place, item in items if place in audio.names]
            images = [item for _, item in heard if isinstance(item, ImageInput)]
            share.unseen += [place for place, item in heard if not isinstance(item, ImageInput)]
            if not images:
                continue
            features = encode_images(self.encoding, images)
            places = borrowers[[image.index for image in images]].tolist()
            for sound in (sound for sound in SOUNDS if sound in audio.by_condition):
                text = method.read(audio.under(sound, places, device), features)
                share.texts.append((sound, places, text.float().cpu()))
            context = method.prompt.image_context(features)
            if context is not None:
                share.sums[images[0].index] = context.cpu().double().sum(0)
        return share

    @torch.no_grad()
    def _blank(self) -> ImageFeatures:
        side = self.spec.image_size
        return self.encoding.images(torch.zeros(1, 3, side, side, device=self.encoding.device))


@dataclass
class _Share:
    """What one rank read.

    Attributes:
        texts: sound, places of B samples, and their text features (B, D).
        sums: of the context tokens of a batch, (M, E), by the place of its first image.
        unseen: the places of images that cannot be read.
    """

    texts: list[tuple[str, list[int], Tensor]] = field(default_factory=list)
    sums: dict[int, Tensor] = field(default_factory=dict)
    unseen: list[int] = field(default_factory=list)


def _joined(shares: Sequence[_Share], count: int) -> dict[str, Tensor]:
    """Return the text features (N, D) of a split by sound."""
    texts: dict[str, Tensor] = {}
    for sound, places, text in (batch for share in shares for batch in share.texts):
        table = texts.setdefault(sound, torch.full((count, text.shape[1]), float("nan")))
        table[places] = text
    return texts
