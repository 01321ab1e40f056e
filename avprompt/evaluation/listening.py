"""The audio tokens of a split under the true and under altered sound, each sound encoded once.

Whoever localises without listening scores the same under all of these: that is what audio reliance shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from avprompt.loading import SoundReader, View, evaluation_items, noise, silence
from avprompt.method import Method
from avprompt.records import Missing, Sample

ALTERED = ("shuffled", "silent", "noise", "off-screen", "distractor")
NOISE_CLIPS = 8


@dataclass
class Tokens:
    """Audio tokens of N samples by condition, each (N, K, E), and the samples without a readable sound.

    Attributes:
        by_condition: `true` always; altered sounds where they can be made.
        missing: by the sample's place in the split.
    """

    by_condition: dict[str, Tensor] = field(default_factory=dict)
    missing: dict[int, Missing] = field(default_factory=dict)


class Listener:
    """Encodes the sounds of a split with a method's audio encoder and projection."""

    def __init__(self, method: Method, view: View, device: torch.device) -> None:
        self.method, self.view, self.device = method, view, device

    @torch.no_grad()
    def tokens(self, waveforms: Tensor) -> Tensor:
        """Return the audio tokens (B, K, E) of waveforms (B, T)."""
        frames = self.method.encode_audio(waveforms.to(self.device))
        tokens: Tensor = self.method.projection(frames)
        return tokens.float().cpu()

    def listen(self, samples: Sequence[Sample], *, altered: bool, batch_size: int, seed: int = 0) -> Tokens:
        """Encode a split.

        Args:
            samples: of the split.
            altered: make the altered sounds too.
            batch_size: sounds encoded at once.
            seed: of the frozen pairing and the noise.
        """
        heard = self._heard(samples, batch_size)
        if altered and heard.by_condition:
            labels = [samples[index].label for index in range(len(samples))]
            self._alter(heard, labels, seed)
        elif heard.by_condition:
            heard.by_condition = {"true": heard.by_condition["true"]}
        return heard

    def _heard(self, samples: Sequence[Sample], batch_size: int) -> Tokens:
        heard = Tokens()
        rows: dict[str, dict[int, Tensor]] = {}
        for items in evaluation_items(samples, SoundReader(self.view), batch_size):
            heard.missing.update({index: item for index, item in items if isinstance(item, Missing)})
            sounds = [item for _, item in items if not isinstance(item, Missing)]
            for condition in ("true", "distractor", "off-screen"):
                with_it = [sound for sound in sounds if condition in sound.waveforms]
                if with_it:
                    tokens = self.tokens(torch.stack([sound.waveforms[condition] for sound in with_it]))
                    places = rows.setdefault(condition, {})
                    places.update({sound.index: row for sound, row in zip(with_it, tokens, strict=True)})
        count = len(samples)
        heard.by_condition = {name: _table(places, count) for name, places in rows.items()}
        return heard

    def _alter(self, heard: Tokens, labels: list[str], seed: int) -> None:
        true = heard.by_condition["true"]
        count = len(true)
        usable = np.array([index for index in range(count) if index not in heard.missing])
        if len(usable) > 1:
            heard.by_condition["shuffled"] = true[partners(usable, count, seed)]
        heard.by_condition["silent"] = self.tokens(silence(self.view)[None]).expand_as(true)
        noises = [self.view.waveform(noise(self.view, seed + k)) for k in range(min(NOISE_CLIPS, count))]
        heard.by_condition["noise"] = self.tokens(torch.stack(noises))[torch.arange(count) % len(noises)]
        if len({labels[index] for index in usable}) > 1:
            others = true[other_class(usable, labels, seed)]
            own = heard.by_condition.get("off-screen", torch.full_like(true, float("nan")))
            heard.by_condition["off-screen"] = torch.where(own.isnan(), others, own)


def partners(usable: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Return whose sound each of `count` samples is given: a cycle through the usable ones, never its own."""
    cycle = np.random.default_rng(seed).permutation(usable)
    chosen = np.arange(count)
    chosen[cycle] = np.roll(cycle, 1)
    return chosen


def other_class(usable: np.ndarray, labels: Sequence[str], seed: int) -> np.ndarray:
    """Return for each sample a usable one of another class, the same for the same seed."""
    random = np.random.default_rng(seed + 1)
    chosen = np.arange(len(labels))
    for index in usable:
        chosen[index] = random.choice([other for other in usable if labels[other] != labels[index]])
    return chosen


def _table(places: dict[int, Tensor], count: int) -> Tensor:
    """Put rows by place into one tensor; places without a row hold NaN, and are never scored."""
    first = next(iter(places.values()))
    table = torch.full((count, *first.shape), float("nan"))
    for index, row in places.items():
        table[index] = row
    return table
