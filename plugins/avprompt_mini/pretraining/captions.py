"""Captions of great variety, so that the text space is smooth around the names of things.

Later one audio token has to stand for texture and shape at once, after context tokens that are no
words. So names are often folded into one slot (the sum of their words' embeddings), contexts are
often random words or plain noise of any length, and every embedding may be blurred.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import torch
from torch import Tensor

from avprompt_benchmarks.toy.classes import SHAPES, TEXTURES
from avprompt_benchmarks.toy.scene import COLOURS
from avprompt_mini.model import POSITIONS, MiniClip
from avprompt_mini.vocabulary import EOS, FILLERS, PAD, SIZES, SOS, encode

_PAD, _SOS, _EOS = (encode(mark)[0] for mark in (PAD, SOS, EOS))
_OPENINGS = (
    "a photo of a",
    "a photo of",
    "a photo of the",
    "an image of a",
    "a picture of a",
    "there is a",
    "this is a",
    "a",
)
_GENERIC = ("object", "thing", "one")
_COLOURS = tuple(COLOURS)


@dataclass(frozen=True)
class Topic:
    """What a caption names; None is not said. Numbers index SHAPES, TEXTURES, COLOURS and SIZES."""

    shape: int | None = None
    texture: int | None = None
    colour: int | None = None
    size: int | None = None


@dataclass
class Caption:
    """Slots of a caption: a word, a second word folded into it (or `<pad>`), or noise."""

    words: list[int] = field(default_factory=list)
    folded: list[int] = field(default_factory=list)
    noise: list[bool] = field(default_factory=list)

    def say(self, text: str) -> None:
        """Append words."""
        for word in encode(text):
            self.fold(word, _PAD)

    def fold(self, word: int, other: int, noise: bool = False) -> None:
        """Append one slot that holds two words, or noise."""
        self.words.append(word)
        self.folded.append(other)
        self.noise.append(noise)


def name_topic(topic: Topic, fold: bool) -> Caption:
    """Return the bare name: "striped circle", or both words in one slot, or "striped object"."""
    caption = Caption()
    shape = None if topic.shape is None else encode(SHAPES[topic.shape])[0]
    texture = None if topic.texture is None else encode(TEXTURES[topic.texture])[0]
    if shape is not None and texture is not None and fold:
        caption.fold(texture, shape)
        return caption
    for word in (texture, shape):
        if word is not None:
            caption.fold(word, _PAD)
    return caption


def plain_caption(topic: Topic, fold: bool = False) -> Caption:
    """Return "a photo of a" and the name."""
    caption = Caption()
    caption.say("a photo of a")
    return _join(caption, name_topic(topic, fold))


def random_caption(rng: random.Random, topic: Topic, longest: int) -> Caption:
    """Return one of many ways to say a topic, with at most `longest` slots of context."""
    caption = _draw_caption(rng, topic, longest)
    while len(caption.words) > POSITIONS - 2:
        caption = _draw_caption(rng, topic, longest)
    return caption


def _draw_caption(rng: random.Random, topic: Topic, longest: int) -> Caption:
    caption = _context(rng, longest)
    if rng.random() < 0.25:
        if topic.size is not None and rng.random() < 0.5:
            caption.say(SIZES[topic.size])
        if topic.colour is not None:
            caption.say(_COLOURS[topic.colour])
    caption = _join(caption, name_topic(topic, fold=rng.random() < 0.45))
    if topic.shape is None and rng.random() < 0.7:
        caption.say(rng.choice(_GENERIC))
    elif rng.random() < 0.15:
        caption = _join(caption, _context(rng, min(longest, 4)))
    return caption


def _context(rng: random.Random, longest: int) -> Caption:
    """Return words before a name: a usual opening, nothing, random words, or noise."""
    caption, kind = Caption(), rng.random()
    if kind < 0.45:
        caption.say(rng.choice(_OPENINGS) if rng.random() < 0.6 else _OPENINGS[0])
    elif kind > 0.55:
        for _ in range(rng.randint(1, longest)):
            if kind < 0.75:
                caption.say(rng.choice(FILLERS))
            else:
                caption.fold(_PAD, _PAD, noise=kind > 0.85 or rng.random() < 0.5)
    return caption


def _join(first: Caption, second: Caption) -> Caption:
    return Caption(first.words + second.words, first.folded + second.folded, first.noise + second.noise)


def encode_captions(clip: MiniClip, captions: list[Caption], noise: torch.Generator | None = None) -> Tensor:
    """Return the text features (n, D) of captions; `noise` blurs embeddings and fills noise slots."""
    length = max(len(caption.words) for caption in captions) + 2
    words = torch.tensor([_pad([_SOS, *c.words, _EOS], _PAD, length) for c in captions])
    folded = torch.tensor([_pad([_PAD, *c.folded], _PAD, length) for c in captions])
    noisy = torch.tensor([_pad([False, *c.noise], False, length) for c in captions])
    read_at = torch.tensor([len(c.words) + 1 for c in captions])
    table = clip.text.embedding.weight * (torch.arange(len(clip.text.embedding.weight)) != _PAD)[:, None]
    embeddings = table[words] + table[folded]  # (n, length, E)
    if noise is not None:
        embeddings = _blur(embeddings, words, folded, noisy, noise)
    return clip.text(embeddings, read_at)  # type: ignore[no-any-return]


def _blur(embeddings: Tensor, words: Tensor, folded: Tensor, noisy: Tensor, noise: torch.Generator) -> Tensor:
    """Scale folded slots at random, blur half of the captions, and fill noise slots."""
    count, length, _ = embeddings.shape
    spread = embeddings.detach()[words > _EOS].std()
    normal = torch.randn(embeddings.shape, generator=noise) * spread
    scales = torch.where(folded != _PAD, 0.5 + 1.2 * torch.rand(count, length, generator=noise), 1.0)
    blur = 1.2 * (torch.rand(count, 1, generator=noise) - 0.5).clamp(min=0)  # 0 to 0.6 spreads
    blur = blur.expand(count, length) * ((words > _EOS) | (folded != _PAD))
    amount = torch.where(noisy, 0.3 + 1.7 * torch.rand(count, 1, generator=noise), blur)
    return embeddings * scales[..., None] + normal * amount[..., None]


def _pad(row: list[int], fill: int, length: int) -> list[int]:
    return row + [fill] * (length - len(row))
