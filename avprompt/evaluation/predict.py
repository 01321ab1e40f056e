"""Heatmaps of a batch under every sound, and under the names of what is seen and of what is heard."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from avprompt.data.inputs import ImageInput
from avprompt.errors import ConfigError
from avprompt.evaluation.contexts import AlteredContexts
from avprompt.evaluation.images import encode_images, stacked
from avprompt.evaluation.sounds import AudioTokens
from avprompt.features.encoding import Encoding
from avprompt.model.grounding import resize_maps
from avprompt.model.parts import Backbone, Decoder
from avprompt.records import ImageFeatures, Prediction, Prompt

TEXT_PROMPT = "a photo of a {label}"


@dataclass(frozen=True)
class NamedObjects:
    """Localises objects by names instead of sounds: their own, or those that a tagger gives their sounds.

    Attributes:
        decoder: as it was pretrained.
        text: (1, D) features of every name.
    """

    decoder: Decoder
    text: Mapping[str, Tensor]

    def predict(
        self, features: ImageFeatures, names: Sequence[Sequence[str]], size: tuple[int, int]
    ) -> Prediction:
        """Return heatmaps (B, *size) of B images, where an image has several names the maximum of their maps.

        There is no confidence in a name, so that is 0.
        """
        counts = [len(of_image) for of_image in names]
        text = torch.cat([self.text[name] for of_image in names for name in of_image])
        repeated = features[[image for image, count in enumerate(counts) for _ in range(count)]]
        logits = self.decoder(repeated, text).float()
        heatmaps = torch.sigmoid(resize_maps(logits, size, "bicubic")).split(counts)
        return Prediction(torch.stack([maps.amax(0) for maps in heatmaps]), torch.zeros(len(names)))


@torch.no_grad()
def name_objects(decoder: Decoder, backbone: Backbone, names: Iterable[str]) -> NamedObjects | None:
    """Return what localises objects of these names, or None where a name cannot be said.

    The vocabulary of an encoder need not hold every class name.
    """
    start, end = backbone.special_token_embeddings()
    text = {}
    try:
        for name in dict.fromkeys(names):
            words = backbone.embed_text(TEXT_PROMPT.format(label=name))
            embeddings = torch.cat([start[None], words, end[None]])[None]  # (1, S, E)
            text[name] = backbone.encode_prompt(Prompt(embeddings, read_at=embeddings.shape[1] - 1))
    except ConfigError:  # a word that is not in the vocabulary, or a name that is too long
        return None
    return NamedObjects(decoder, text)


@dataclass(frozen=True)
class Predictor:
    """Localises with a method; each image is encoded once for all sounds.

    Attributes:
        encoding: the method's frozen encoders.
        tokens: of the split that the images are from.
        contexts: of the same split; None leaves altered contexts out.
        size: side of the square heatmaps, pixels.
        named: localises by the object's name too, the ceiling of a text prompt; None leaves that out.
        tagged: likewise by the class that the audio encoder hears, where it is a tagger.
    """

    encoding: Encoding
    tokens: AudioTokens
    size: int
    contexts: AlteredContexts | None = None
    named: NamedObjects | None = None
    tagged: NamedObjects | None = None

    @torch.no_grad()
    def predict(self, images: Sequence[ImageInput]) -> dict[str, Prediction]:
        """Return predictions for B images by condition, on the CPU.

        Under `distractor` there are those of the images that have one.
        """
        features, predictions = encode_images(self.encoding, images), {}
        for condition in self.tokens.by_condition:
            rows = list(range(len(images)))
            if condition == "distractor":
                rows = [k for k in rows if images[k].sample.distractor is not None]
            if rows:
                places = [images[k].index for k in rows]
                selected = features if len(rows) == len(images) else features[rows]
                predictions[condition] = self._under_sound(condition, places, selected)
        return predictions | self._under_contexts(images, features) | self._by_name(images, features)

    def _by_name(self, images: Sequence[ImageInput], features: ImageFeatures) -> dict[str, Prediction]:
        """Return predictions by the names of what is seen and of what is heard, where these can be said."""
        by_name: dict[str, tuple[NamedObjects | None, list[tuple[str, ...]]]] = {
            "text-prompt": (self.named, [image.sample.names for image in images]),
            "tagger": (self.tagged, [(self.tokens.tagged.get(image.index, ""),) for image in images]),
        }
        method, size = self.encoding.method, (self.size, self.size)
        if method.prompts_images and (self.named or self.tagged):
            features = method.encode_plain_image(stacked(images, self.encoding.device))
        return {
            condition: _on_cpu(objects.predict(features, names, size))
            for condition, (objects, names) in by_name.items()
            if objects is not None
        }

    def _under_sound(self, condition: str, places: list[int], features: ImageFeatures) -> Prediction:
        audio = self.tokens.under(condition, places, self.encoding.device)
        return self._locate(features, self.encoding.method.read(audio, features))

    def _under_contexts(self, images: Sequence[ImageInput], features: ImageFeatures) -> dict[str, Prediction]:
        """Return predictions where the prompt was made for something else than the own image."""
        if self.contexts is None:
            return {}
        texts = self.contexts.texts(self.encoding.method, self.tokens, [image.index for image in images])
        return {condition: self._locate(features, text) for condition, text in texts}

    def _locate(self, features: ImageFeatures, text: Tensor) -> Prediction:
        return _on_cpu(self.encoding.method.locate(features, text, (self.size, self.size)))


def _on_cpu(prediction: Prediction) -> Prediction:
    return Prediction(prediction.heatmap.cpu(), prediction.confidence.cpu())
