"""The evaluation loop, one for all methods and benchmarks: each image and each sound is encoded once.

Ranks share the batches; no batch changes, so the numbers are those of one process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Protocol as Interface

import numpy as np

from avprompt.data.inputs import ImageInput, ImageReader, InputSpec, evaluation_items
from avprompt.data.loader import worker_count
from avprompt.distributed import ALONE, Ranks, merged, together
from avprompt.errors import DataError
from avprompt.evaluation.behind import Behind
from avprompt.evaluation.joining import join
from avprompt.evaluation.measure import PROBE, Maps, Measured, Measurer, Part
from avprompt.evaluation.predict import Locator
from avprompt.evaluation.sounds import Listener, Tokens
from avprompt.features.encoding import Encoding
from avprompt.features.keys import NOTHING_STORED, StoredFeatures
from avprompt.metrics.protocol import Protocol
from avprompt.model.method import Method
from avprompt.model.parts import Decoder
from avprompt.pictures.gallery import GalleryClip
from avprompt.records import Missing, Sample, Split


class Keeper(Interface):
    """Whoever wants to keep predictions."""

    def keep(self, number: int, samples: Sequence[Sample], found: dict[str, Maps]) -> None:
        """Keep the predictions of a batch, by condition; `number` is the batch's in its split."""


@dataclass
class Evaluator:
    """Measures a method on splits.

    Attributes:
        method: on its device.
        spec: how it takes its inputs.
        protocols: what to measure under the true sound.
        size: side of the square maps that are scored, pixels.
        text_decoder: a decoder as it was pretrained, for the text-prompt ceiling; None leaves that out.
        batch_size: images at once.
        strict: stop at the first sample that cannot be read.
        gallery: how many clips of a test split to keep for pictures.
        seed: of the altered sounds.
        precision: opens mixed precision, such as accelerate's `autocast`.
        keeper: where predictions go, if anywhere.
        on_batch: called on the main rank after every batch with the number of images that all ranks did.
        ranks: who shares the work; each takes every `size`-th batch, and all return the same.
        workers: processes that read; None takes what the device needs.
        stored: features that the method's encoders have made before.
    """

    method: Method
    spec: InputSpec
    protocols: Sequence[Protocol]
    size: int
    text_decoder: Decoder | None = None
    batch_size: int = 16
    strict: bool = False
    gallery: int = 12
    seed: int = 0
    precision: Callable[[], AbstractContextManager[None]] = nullcontext
    keeper: Keeper | None = None
    on_batch: Callable[[int], None] = lambda images: None
    ranks: Ranks = ALONE
    workers: int | None = None
    stored: StoredFeatures = NOTHING_STORED
    _encoding: Encoding = field(init=False)

    def __post_init__(self) -> None:
        self._encoding = Encoding(self.method, self.stored)

    def measure(self, split: Split, *, altered: bool) -> Measured:
        """Measure a split, with altered sounds too when `altered`.

        Raises:
            DataError: nothing can be scored, or, with `strict`, one sample cannot.
        """
        self.method.eval()
        self._stop_if_strict(split.missing)
        tokens = self._listen(split.samples, altered=altered)
        self._stop_if_strict(list(tokens.missing.values()))
        shown_at = _evenly(len(split.samples), self.gallery if altered else 0)
        parts = together(self.ranks, lambda: self._part(split.samples, tokens, shown_at))
        if not any(part.blocks for part in parts):
            reasons = [*split.missing, *merged([part.missing for part in parts]).values()]
            raise DataError(
                f"No sample can be scored: {reasons[0].reason if reasons else 'the split is empty'}."
            )
        measured = join(parts, split, self.protocols)
        if ("text-prompt", PROBE.name) not in measured.values:
            self.text_decoder = None  # some rank met a name that cannot be said: no rank tries again
        return measured

    def _listen(self, samples: Sequence[Sample], *, altered: bool) -> Tokens:
        listener = Listener(self._encoding, self.spec, self.ranks, self._workers)
        with self.precision():
            return listener.listen(samples, altered=altered, batch_size=self.batch_size, seed=self.seed)

    def _part(self, samples: Sequence[Sample], tokens: Tokens, shown_at: set[int]) -> Part:
        """Measure this rank's batches."""
        part, measurer = Part(), Measurer(self.protocols)
        locator = Locator(self._encoding, self.size, self.text_decoder)
        read = ImageReader(self.spec, self.stored.images is not None)
        with Behind(part.blocks.append) as behind:
            for items in evaluation_items(samples, read, self.batch_size, self._workers, ranks=self.ranks):
                scenes = self._scenes(items, tokens, part)
                if scenes:
                    with self.precision():
                        found = locator.locate(scenes, tokens)
                    batch = [scene.sample for scene in scenes]
                    behind.call(measurer.measure, [scene.index for scene in scenes], batch, found)
                    part.shown |= _shown(scenes, found["true"], shown_at, self.spec)
                    if self.keeper is not None:
                        self.keeper.keep(items[0][0] // self.batch_size, batch, found)
                if self.ranks.main:  # the others are about as far
                    self.on_batch(min(self.ranks.size * self.batch_size, len(samples) - items[0][0]))
        return part

    def _scenes(
        self, items: list[tuple[int, ImageInput | Missing]], tokens: Tokens, part: Part
    ) -> list[ImageInput]:
        """Return what can be scored, and keep what cannot; a missing sound is a reason before the image."""
        read = {index: tokens.missing.get(index, item) for index, item in items}
        missing = {index: item for index, item in read.items() if isinstance(item, Missing)}
        self._stop_if_strict(list(missing.values()))
        part.missing |= missing
        return [item for item in read.values() if isinstance(item, ImageInput)]

    @property
    def _workers(self) -> int:
        return worker_count(self.workers, next(self.method.parameters()).device, self.ranks)

    def _stop_if_strict(self, missing: Sequence[Missing]) -> None:
        if self.strict and missing:
            raise DataError(f"Stopped at sample '{missing[0].id}' (--strict): {missing[0].reason}")


def _evenly(count: int, wanted: int) -> set[int]:
    return set(np.linspace(0, count - 1, min(wanted, count)).round().astype(int).tolist())


def _shown(scenes: Sequence[ImageInput], maps: Maps, at: set[int], spec: InputSpec) -> dict[int, GalleryClip]:
    """Return pictures of the scenes at certain places of their split."""
    return {
        scene.index: GalleryClip(
            scene.sample.id, scene.sample.label, spec.image(scene.pixels), scene.truth.mask, heatmap
        )
        for scene, heatmap in zip(scenes, maps.heatmap, strict=True)
        if scene.index in at
    }
