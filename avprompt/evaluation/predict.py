"""Heatmaps of a batch under every sound, and under the object's name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from avprompt.data.inputs import ImageInput
from avprompt.errors import AvpromptError
from avprompt.evaluation.measure import Maps
from avprompt.evaluation.sounds import Tokens
from avprompt.features.encoding import Encoding
from avprompt.model.grounding import resize_maps
from avprompt.model.parts import Decoder
from avprompt.records import ImageFeatures, Prediction, Prompt

TEXT_PROMPT = "a photo of a {label}"


@dataclass
class Locator:
    """Locates with a method; each image is encoded once for all sounds, each name once for all images.

    Attributes:
        encoding: the method's frozen encoders.
        size: side of the square maps, pixels.
        text_decoder: names objects by text; None leaves that out, as does a name that cannot be said.
    """

    encoding: Encoding
    size: int
    text_decoder: Decoder | None
    _said: dict[str, Tensor] = field(default_factory=dict)

    @torch.no_grad()
    def locate(self, scenes: Sequence[ImageInput], tokens: Tokens) -> dict[str, Maps]:
        """Return the maps of B scenes by condition; `distractor` has those of scenes with a distractor."""
        pixels = torch.stack([scene.pixels for scene in scenes]).to(self._device)
        keys = [scene.key for scene in scenes]
        image = self.encoding.images(pixels, keys if all(keys) else ())
        return {name: _maps(found) for name, found in self._predictions(scenes, tokens, image)}

    @property
    def _device(self) -> torch.device:
        return next(self.encoding.method.parameters()).device

    def _predictions(
        self, scenes: Sequence[ImageInput], tokens: Tokens, image: ImageFeatures
    ) -> Iterator[tuple[str, Prediction]]:
        for condition, table in tokens.by_condition.items():
            at = list(range(len(scenes)))
            if condition == "distractor":
                at = [k for k in at if scenes[k].sample.distractor is not None]
            if at:
                chosen = table[[scenes[k].index for k in at]].to(self._device)
                yield condition, self._under(chosen, image if len(at) == len(scenes) else image[at])
        named = self._named(scenes, image)
        if named is not None:
            yield "text-prompt", named

    def _under(self, tokens: Tensor, image: ImageFeatures) -> Prediction:
        method = self.encoding.method
        return method.locate(image, method.read(tokens, image), (self.size, self.size))

    def _named(self, scenes: Sequence[ImageInput], image: ImageFeatures) -> Prediction | None:
        """Name the object by text instead of sound, through the decoder as it was pretrained."""
        if self.text_decoder is None:
            return None
        try:
            text = torch.cat([self._say(scene.sample.label) for scene in scenes])
        except AvpromptError:  # a class name that the vocabulary of the encoders does not hold
            self.text_decoder = None
            return None
        logits = self.text_decoder(image, text).float()
        heatmaps = torch.sigmoid(resize_maps(logits, (self.size, self.size), "bicubic"))
        return Prediction(heatmaps, torch.zeros(len(heatmaps)))

    def _say(self, label: str) -> Tensor:
        """Return the text feature (1, D) of a name."""
        if label not in self._said:
            backbone = self.encoding.method.backbone
            start, end = backbone.special_token_embeddings()
            words = backbone.embed_text(TEXT_PROMPT.format(label=label))
            sequence = torch.cat([start[None], words, end[None]])[None]
            self._said[label] = backbone.encode_prompt(Prompt(sequence, read_at=sequence.shape[1] - 1))
        return self._said[label]


def _maps(prediction: Prediction) -> Maps:
    return Maps(prediction.heatmap.cpu().numpy(), prediction.confidence.cpu().numpy())
