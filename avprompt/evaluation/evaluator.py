"""The evaluation loop, one for all methods and benchmarks: each image and each sound is encoded once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol as Interface

import numpy as np
import torch
from torch import Tensor

from avprompt.errors import AvpromptError, DataError
from avprompt.evaluation.listening import Listener, Tokens
from avprompt.evaluation.measure import Maps, Measured, Measurer, Shown
from avprompt.grounding import resize
from avprompt.interfaces import Decoder
from avprompt.loading import Scene, SceneReader, View, evaluation_items
from avprompt.method import Method
from avprompt.metrics.protocol import Protocol
from avprompt.records import ImageFeatures, Missing, Prediction, Prompt, Sample, Split

TEXT_PROMPT = "a photo of a {label}"


class Keeper(Interface):
    """Whoever wants to keep predictions."""

    def keep(self, samples: Sequence[Sample], found: dict[str, Maps]) -> None:
        """Keep the predictions of a batch, by condition."""


@dataclass
class Evaluator:
    """Measures a method on splits.

    Attributes:
        method: on its device.
        view: how it takes its inputs.
        protocols: what to measure under the true sound.
        size: side of the square maps that are scored, pixels.
        text_decoder: a decoder as it was pretrained, for the text-prompt ceiling; None leaves that out.
        batch_size: images at once.
        strict: stop at the first sample that cannot be read.
        gallery: how many clips of a test split to keep for pictures.
        seed: of the altered sounds.
        precision: opens mixed precision, such as accelerate's `autocast`.
        keeper: where predictions go, if anywhere.
        on_batch: called after every batch with the number of images.
    """

    method: Method
    view: View
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

    def measure(self, split: Split, *, altered: bool) -> Measured:
        """Measure a split, with altered sounds too when `altered`.

        Raises:
            DataError: nothing can be scored, or, with `strict`, one sample cannot.
        """
        self.method.eval()
        missing: list[Missing] = []
        self._stop_if_strict(split.missing)
        listener = Listener(self.method, self.view, self._device)
        with self.precision():
            tokens = listener.listen(
                split.samples, altered=altered, batch_size=self.batch_size, seed=self.seed
            )
        shown_at = _evenly(len(split.samples), self.gallery if altered else 0)
        measurer = Measurer(self.protocols)
        for items in evaluation_items(split.samples, SceneReader(self.view), self.batch_size):
            # Without its sound a sample cannot be scored: that reason comes first.
            read = [tokens.missing.get(index, item) for index, item in items]
            missing += [item for item in read if isinstance(item, Missing)]
            self._stop_if_strict(missing)
            scenes = [item for item in read if isinstance(item, Scene)]
            if scenes:
                with self.precision():
                    self._batch(scenes, tokens, measurer, shown_at)
            self.on_batch(len(items))
        if not measurer.measured.ids:
            reasons = [*split.missing, *missing]
            raise DataError(
                f"No sample can be scored: {reasons[0].reason if reasons else 'the split is empty'}."
            )
        return measurer.finish(split, missing)

    @property
    def _device(self) -> torch.device:
        return next(self.method.parameters()).device

    @torch.no_grad()
    def _batch(self, scenes: list[Scene], tokens: Tokens, measurer: Measurer, shown_at: set[int]) -> None:
        image = self.method.encode_image(torch.stack([scene.pixels for scene in scenes]).to(self._device))
        found = {name: _maps(prediction) for name, prediction in self._predictions(scenes, tokens, image)}
        if "text-prompt" not in found:
            measurer.forget("text-prompt")
        samples = [scene.sample for scene in scenes]
        measurer.add([scene.index for scene in scenes], samples, found)
        if self.keeper is not None:
            self.keeper.keep(samples, found)
        for scene, heatmap in zip(scenes, found["true"].heatmap, strict=True):
            if scene.index in shown_at:
                measurer.measured.shown.append(_shown(scene, heatmap, self.view))

    def _predictions(
        self, scenes: list[Scene], tokens: Tokens, image: ImageFeatures
    ) -> Iterator[tuple[str, Prediction]]:
        """Yield the predictions under every sound, and under the object's name."""
        for condition, table in tokens.by_condition.items():
            at = list(range(len(scenes)))
            if condition == "distractor":
                at = [k for k in at if scenes[k].sample.distractor is not None]
            if at:
                chosen = table[[scenes[k].index for k in at]].to(self._device)
                yield condition, self._locate(chosen, image if len(at) == len(scenes) else image[at])
        named = self._named(scenes, image)
        if named is not None:
            yield "text-prompt", named

    def _locate(self, tokens: Tensor, image: ImageFeatures) -> Prediction:
        return self.method.locate(image, self.method.read(tokens, image), (self.size, self.size))

    def _named(self, scenes: list[Scene], image: ImageFeatures) -> Prediction | None:
        """Name the object by text instead of sound, through the decoder as it was pretrained."""
        if self.text_decoder is None:
            return None
        try:
            text = torch.cat([self._words(scene.sample.label) for scene in scenes])
        except AvpromptError:  # a class name that the vocabulary of the encoders does not hold
            self.text_decoder = None
            return None
        logits = self.text_decoder(image, text).float()
        heatmaps = torch.sigmoid(resize(logits, (self.size, self.size), "bicubic"))
        return Prediction(heatmaps, torch.zeros(len(heatmaps)))

    def _words(self, label: str) -> Tensor:
        backbone = self.method.backbone
        start, end = backbone.embed_marks()
        words = backbone.embed_text(TEXT_PROMPT.format(label=label))
        sequence = torch.cat([start[None], words, end[None]])[None]
        return backbone.encode_prompt(Prompt(sequence, read_at=sequence.shape[1] - 1))

    def _stop_if_strict(self, missing: Sequence[Missing]) -> None:
        if self.strict and missing:
            raise DataError(f"Stopped at sample '{missing[0].id}' (--strict): {missing[0].reason}")


def _maps(prediction: Prediction) -> Maps:
    return Maps(prediction.heatmap.cpu().numpy(), prediction.confidence.cpu().numpy())


def _evenly(count: int, wanted: int) -> set[int]:
    return set(np.linspace(0, count - 1, min(wanted, count)).round().astype(int).tolist())


def _shown(scene: Scene, heatmap: np.ndarray, view: View) -> Shown:
    return Shown(scene.sample.id, scene.sample.label, view.image(scene.pixels), scene.truth.mask, heatmap)
