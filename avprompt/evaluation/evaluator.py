"""The evaluation loop, one for all methods and benchmarks: each image and each sound is encoded once.

Where the prompt looks at the image, images are encoded once more beforehand, for altered contexts. Ranks
share the batches; no batch changes, so the numbers are those of one process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from itertools import chain

from avprompt.data.inputs import ImageInput, ImageReader, InputSpec, evaluation_items
from avprompt.data.loader import worker_count
from avprompt.distributed import ALONE, Ranks, together
from avprompt.errors import DataError
from avprompt.evaluation.contexts import ContextReader
from avprompt.evaluation.measure import MeasuredSamples, join, measure_batch
from avprompt.evaluation.predict import Predictor, name_objects
from avprompt.evaluation.sounds import AlteredAudio
from avprompt.features.encoding import Encoding
from avprompt.metrics.protocol import Protocol
from avprompt.model.parts import Decoder
from avprompt.pictures.gallery import GalleryClip, gallery_places
from avprompt.records import Missing, Prediction, Sample, Split

WriteBatch = Callable[[int, Sequence[Sample], Mapping[str, Prediction]], None]
"""Keeps the predictions of a batch by condition, given the batch's number in its split."""


@dataclass(frozen=True)
class Evaluator:
    """Measures a method on splits.

    Attributes:
        encoding: the frozen encoders of the method that is measured, on its device.
        spec: how it takes its inputs.
        protocols: what to measure under the true sound.
        size: side of the square maps that are scored, pixels.
        text_decoder: a decoder as it was pretrained, for the text-prompt ceiling, and for the class that a
            tagger hears; None leaves these out.
        batch_size: images at once.
        strict: stop at the first sample that cannot be read.
        gallery: how many clips of a test split to keep for pictures.
        clips: ids of those to keep instead.
        seed: of the altered sounds and contexts.
        precision: opens mixed precision, such as accelerate's `autocast`.
        ranks: who shares the work; each takes every `size`-th batch, and all return the same.
        workers: processes that read; None takes what the device needs.
    """

    encoding: Encoding
    spec: InputSpec
    protocols: Sequence[Protocol]
    size: int
    text_decoder: Decoder | None = None
    batch_size: int = 16
    strict: bool = False
    gallery: int = 12
    clips: tuple[str, ...] = ()
    seed: int = 0
    precision: Callable[[], AbstractContextManager[None]] = nullcontext
    ranks: Ranks = ALONE
    workers: int | None = None

    def measure(
        self,
        split: Split,
        *,
        altered: bool,
        write: WriteBatch | None = None,
        on_batch: Callable[[int], None] = lambda images: None,
    ) -> MeasuredSamples:
        """Measure a split; every rank returns all of it.

        Args:
            split: with truths.
            altered: measure under altered sounds and contexts too, and keep clips for the gallery.
            write: where predictions go, if anywhere.
            on_batch: called on the main rank after every batch with the number of images that all ranks did.

        Raises:
            DataError: nothing can be scored, or, with `strict`, one sample cannot.
            EvaluationError: features, a heatmap or a confidence are not finite; names the sample.
        """
        self.encoding.method.eval()
        self._stop_if_strict(split.missing)
        predictor = self._predictor(split.samples, altered=altered)
        self._stop_if_strict(list(predictor.tokens.missing.values()))
        shown = gallery_places(split.samples, self.gallery, self.clips) if altered else set()
        batches = self._batches(split.samples, predictor, shown, write, on_batch)
        measured = join(together(self.ranks, lambda: join(batches)))
        if len(measured) == 0:
            missing = [*split.missing, *measured.missing.values()]
            reason = missing[0].reason if missing else "the split is empty"
            raise DataError(f"No sample can be scored: {reason}.")
        return measured

    def _predictor(self, samples: Sequence[Sample], *, altered: bool) -> Predictor:
        """Return what localises in the images of a split, for which all its sounds are encoded."""
        audio = AlteredAudio(self.encoding, self.spec, self.ranks, self._workers)
        contexts = None
        with self.precision():
            tokens = audio.encode(samples, altered=altered, batch_size=self.batch_size, seed=self.seed)
            if altered:
                reader = ContextReader(self.encoding, self.spec, self.ranks, self._workers)
                contexts = reader.read(samples, tokens, batch_size=self.batch_size, seed=self.seed)
            named = tagged = None
            if self.text_decoder is not None:
                backbone = self.encoding.method.backbone
                named = name_objects(self.text_decoder, backbone, chain.from_iterable(tokens.names.values()))
                if tokens.tagged:
                    tagged = name_objects(self.text_decoder, backbone, tokens.tagged.values())
        return Predictor(self.encoding, tokens, self.size, contexts, named, tagged)

    def _batches(
        self,
        samples: Sequence[Sample],
        predictor: Predictor,
        shown: set[int],
        write: WriteBatch | None,
        on_batch: Callable[[int], None],
    ) -> Iterator[MeasuredSamples]:
        """Measure the batches of this rank; clips at the places `shown` go with them."""
        read = ImageReader(self.spec, keyed=self.encoding.stored.images is not None)
        for items in evaluation_items(samples, read, self.batch_size, self._workers, ranks=self.ranks):
            start = items[0][0]
            images, missing = self._usable(items, predictor.tokens.missing)
            measured = MeasuredSamples()
            if images:
                places, batch = [image.index for image in images], [image.sample for image in images]
                with self.precision():
                    predictions = predictor.predict(images)
                clips = _clips(images, predictions["true"], shown, self.spec)
                measured = replace(measure_batch(places, batch, predictions, self.protocols), shown=clips)
                if write is not None:
                    write(start // self.batch_size, batch, predictions)
            yield replace(measured, missing=missing)
            if self.ranks.main:  # the others are about as far
                on_batch(min(self.ranks.size * self.batch_size, len(samples) - start))

    def _usable(
        self, items: Sequence[tuple[int, ImageInput | Missing]], soundless: Mapping[int, Missing]
    ) -> tuple[list[ImageInput], dict[int, Missing]]:
        """Return what can be scored, and what cannot; a missing sound is a reason before the image."""
        read = {index: soundless.get(index, item) for index, item in items}
        missing = {index: item for index, item in read.items() if isinstance(item, Missing)}
        self._stop_if_strict(list(missing.values()))
        return [item for item in read.values() if isinstance(item, ImageInput)], missing

    @property
    def _workers(self) -> int:
        return worker_count(self.workers, self.encoding.device, self.ranks)

    def _stop_if_strict(self, missing: Sequence[Missing]) -> None:
        if self.strict and missing:
            raise DataError(f"Stopped at sample '{missing[0].id}' (--strict): {missing[0].reason}")


def _clips(
    images: Sequence[ImageInput], prediction: Prediction, places: set[int], spec: InputSpec
) -> dict[int, GalleryClip]:
    """Return clips of the images at certain places of their split."""
    return {
        image.index: GalleryClip(
            image.sample.id, image.sample.label, spec.image(image.pixels), image.truth.mask, heatmap
        )
        for image, heatmap in zip(images, prediction.heatmap.numpy(), strict=True)
        if image.index in places
    }
