"""The evaluation loop, one for all methods and benchmarks: each image and each sound is encoded once.

The loop measures; `avprompt.scoring` turns measurements into scores, and drawing is somebody else's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from avprompt.errors import AvpromptError, DataError
from avprompt.grounding import resize
from avprompt.interfaces import Decoder
from avprompt.listening import Listener, Tokens
from avprompt.loading import Scene, SceneReader, View, evaluation_items
from avprompt.method import Method
from avprompt.metrics.protocol import Protocol, measure_all
from avprompt.metrics.protocols.fixed import ValThreshold
from avprompt.records import ImageFeatures, Missing, Prediction, Prompt, Sample, Split

PROBE = ValThreshold()
TEXT_PROMPT = "a photo of a {label}"


@dataclass(frozen=True)
class Shown:
    """One clip for the gallery: `image` (H, W, 3) uint8, `truth` and `heatmap` (h, w), its id and label."""

    id: str
    label: str
    image: np.ndarray
    truth: np.ndarray
    heatmap: np.ndarray


@dataclass
class Measured:
    """Everything measured on one split.

    Attributes:
        ids: of the samples that were scored, in order.
        places: of the same samples in the split.
        values: (condition, protocol) -> measurement -> (N, ...). Conditions are `true`, the altered sounds
            of `avprompt.listening`, `distractor/on-distractor` and `text-prompt`.
        distractor_rows: which of the N samples have a distractor, and so rows under its sound.
        confidence: (N,) under the true sound.
        missing: what could not be used.
        expected: what the official list names.
        shown: clips for the gallery.
    """

    ids: list[str] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    values: dict[tuple[str, str], dict[str, np.ndarray]] = field(default_factory=dict)
    distractor_rows: list[int] = field(default_factory=list)
    confidence: np.ndarray = field(default_factory=lambda: np.zeros(0))
    missing: tuple[Missing, ...] = ()
    expected: int = 0
    shown: list[Shown] = field(default_factory=list)


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
    on_batch: Callable[[int], None] = lambda images: None

    def measure(self, split: Split, *, altered: bool) -> Measured:
        """Measure a split, with altered sounds too when `altered`.

        Raises:
            DataError: nothing can be scored, or, with `strict`, one sample cannot.
        """
        if self.strict and split.missing:
            raise DataError(_stopped(split.missing[0]))
        self.method.eval()
        device = next(self.method.parameters()).device
        listener = Listener(self.method, self.view, device)
        tokens = listener.listen(split.samples, altered=altered, batch_size=self.batch_size, seed=self.seed)
        pass_ = _Pass(self, tokens, device, _evenly(len(split.samples), self.gallery if altered else 0))
        for items in evaluation_items(split.samples, SceneReader(self.view), self.batch_size):
            pass_.batch([_unless_silent(index, item, tokens) for index, item in items])
            self.on_batch(len(items))
        return pass_.finish(split)


class _Pass:
    """One walk over the images of a split."""

    def __init__(self, evaluator: Evaluator, tokens: Tokens, device: torch.device, shown: set[int]) -> None:
        self.of, self.tokens, self.device, self.shown_at = evaluator, tokens, device, shown
        self.rows: dict[tuple[str, str], list[dict[str, np.ndarray]]] = {}
        self.confidences: list[np.ndarray] = []
        self.samples: list[dict[str, object]] = []
        self.measured = Measured()

    @torch.no_grad()
    def batch(self, items: list[Scene | Missing]) -> None:
        missing = [item for item in items if isinstance(item, Missing)]
        if missing and self.of.strict:
            raise DataError(_stopped(missing[0]))
        self.measured.missing += tuple(missing)
        scenes = [item for item in items if isinstance(item, Scene)]
        if not scenes:
            return
        image = self.of.method.encode_image(torch.stack([scene.pixels for scene in scenes]).to(self.device))
        truths = np.stack([scene.truth.mask for scene in scenes]).astype(np.float32)
        self.measured.ids += [scene.sample.id for scene in scenes]
        self.measured.places += [scene.index for scene in scenes]
        self.samples += [_named(scene.sample) for scene in scenes]
        self._true(scenes, image, truths)
        for condition in self.tokens.by_condition:
            if condition not in ("true", "distractor"):
                self._probe(condition, self._locate(condition, scenes, image), truths)
        self._distractor(scenes, image, truths)
        self._text_prompt(scenes, image, truths)

    def finish(self, split: Split) -> Measured:
        measured = self.measured
        if not measured.ids:
            reason = measured.missing[0].reason if measured.missing else "the split is empty"
            raise DataError(f"No sample can be scored: {reason}")
        measured.values = {key: _join(rows) for key, rows in self.rows.items()}
        for (condition, _), values in measured.values.items():
            if not condition.startswith("distractor"):
                values.update(self.columns())
        for protocol in self.of.protocols:
            self._merge_conditions(protocol)
        measured.confidence = np.concatenate(self.confidences)
        measured.expected, measured.missing = split.expected, split.missing + measured.missing
        return measured

    def columns(self) -> dict[str, np.ndarray]:
        """Return what protocols may need to know of each sample, beside what they measured."""
        return {key: np.array([sample[key] for sample in self.samples]) for key in self.samples[0]}

    def _merge_conditions(self, protocol: Protocol) -> None:
        """Hand a protocol its measurements under altered sounds as `condition/measurement`."""
        true = self.measured.values["true", protocol.name]
        for condition in protocol.conditions:
            for key, value in self.measured.values.get((condition, protocol.name), {}).items():
                true[f"{condition}/{key}"] = value

    def _true(self, scenes: list[Scene], image: ImageFeatures, truths: np.ndarray) -> None:
        prediction = self._locate("true", scenes, image)
        heatmaps, confidence = prediction.heatmap.cpu().numpy(), prediction.confidence.cpu().numpy()
        self._keep("true", measure_all(self.of.protocols, heatmaps, truths, confidence))
        self.confidences.append(confidence)
        for scene, heatmap in zip(scenes, heatmaps, strict=True):
            if scene.index in self.shown_at:
                self.measured.shown.append(_shown(scene, heatmap, self.of.view))

    def _locate(self, condition: str, scenes: list[Scene], image: ImageFeatures) -> Prediction:
        places = [scene.index for scene in scenes]
        tokens = self.tokens.by_condition[condition][places].to(self.device)
        text = self.of.method.read(tokens, image)
        return self.of.method.locate(image, text, (self.of.size, self.of.size))

    def _probe(self, condition: str, prediction: Prediction, truths: np.ndarray) -> None:
        """Measure an altered condition: for audio reliance, and for the protocols that are made of it."""
        asking = [protocol for protocol in self.of.protocols if condition in protocol.conditions]
        maps, confidence = prediction.heatmap.cpu().numpy(), prediction.confidence.cpu().numpy()
        self._keep(condition, measure_all([PROBE, *asking], maps, truths, confidence))

    def _distractor(self, scenes: list[Scene], image: ImageFeatures, truths: np.ndarray) -> None:
        """Sound a silent object instead: a method that listens marks that one and leaves the first."""
        at = [k for k, scene in enumerate(scenes) if scene.sample.distractor is not None]
        if not at or "distractor" not in self.tokens.by_condition:
            return
        first = len(self.measured.ids) - len(scenes)
        self.measured.distractor_rows += [first + k for k in at]
        prediction = self._locate("distractor", [scenes[k] for k in at], image[at])
        masks = [s.distractor.mask for s in (scenes[k].sample for k in at) if s.distractor is not None]
        self._probe("distractor/on-original", prediction, truths[at])
        self._probe("distractor/on-distractor", prediction, np.stack(masks).astype(np.float32))

    def _text_prompt(self, scenes: list[Scene], image: ImageFeatures, truths: np.ndarray) -> None:
        """Name the object by text instead of sound, through the decoder as it was pretrained."""
        if self.of.text_decoder is None:
            return
        try:
            text = torch.cat([self._words(scene.sample.label) for scene in scenes])
        except AvpromptError:  # a class name that the vocabulary of the encoders does not hold
            self.of.text_decoder = None
            self.rows.pop(("text-prompt", PROBE.name), None)
            return
        logits = self.of.text_decoder(image, text).float()
        heatmaps = torch.sigmoid(resize(logits, (self.of.size, self.of.size), "bicubic"))
        self._probe("text-prompt", Prediction(heatmaps, torch.zeros(len(heatmaps))), truths)

    def _words(self, label: str) -> Tensor:
        backbone = self.of.method.backbone
        start, end = backbone.embed_marks()
        words = backbone.embed_text(TEXT_PROMPT.format(label=label))
        sequence = torch.cat([start[None], words, end[None]])[None]
        return backbone.encode_prompt(Prompt(sequence, read_at=sequence.shape[1] - 1))

    def _keep(self, condition: str, rows: dict[str, dict[str, np.ndarray]]) -> None:
        for protocol, row in rows.items():
            self.rows.setdefault((condition, protocol), []).append(row)


def _named(sample: Sample) -> dict[str, object]:
    return {
        "id": sample.id,
        "group": sample.group or sample.id,
        "scenario": sample.scenario,
        "sounding": sample.sounding,
    }


def _unless_silent(index: int, item: Scene | Missing, tokens: Tokens) -> Scene | Missing:
    """Give the reason why a sample's sound is missing precedence: without it there is nothing to score."""
    return tokens.missing.get(index, item)


def _stopped(missing: Missing) -> str:
    return f"Stopped at sample '{missing.id}' (--strict): {missing.reason}"


def _join(rows: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {key: np.concatenate([row[key] for row in rows]) for key in rows[0]}


def _evenly(count: int, wanted: int) -> set[int]:
    return set(np.linspace(0, count - 1, min(wanted, count)).round().astype(int).tolist())


def _shown(scene: Scene, heatmap: np.ndarray, view: View) -> Shown:
    return Shown(scene.sample.id, scene.sample.label, view.image(scene.pixels), scene.truth.mask, heatmap)
