"""The audio tokens of a split under the true and under altered sound, each sound encoded once.

Whoever localises without listening scores the same under all of these: that is what audio reliance shows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from avprompt.data.inputs import InputSpec, Sound, SoundInputs, SoundReader, evaluation_items, noise, silence
from avprompt.distributed import ALONE, Ranks, merged, together
from avprompt.features.encoding import Encoding
from avprompt.records import Audio, Missing, Sample

ALTERED = ("shuffled", "silent", "noise", "off-screen", "distractor")
RECORDED = ("true", "distractor", "off-screen")
"""What a benchmark may have a recording of; the other sounds are made."""

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
    """Encodes the sounds of a split with a method's audio encoder and projection, each rank its batches."""

    def __init__(self, encoding: Encoding, spec: InputSpec, ranks: Ranks = ALONE, workers: int = 0) -> None:
        self.encoding, self.spec, self.ranks, self.workers = encoding, spec, ranks, workers

    @torch.no_grad()
    def tokens(self, sounds: Sequence[Sound]) -> Tensor:
        """Return the audio tokens (B, K, E) of B sounds."""
        tokens: Tensor = self.encoding.method.projection(self.encoding.frames(sounds))
        return tokens.float().cpu()

    def listen(self, samples: Sequence[Sample], *, altered: bool, batch_size: int, seed: int = 0) -> Tokens:
        """Encode a split; every rank returns all of it.

        Args:
            samples: of the split.
            altered: make the altered sounds too.
            batch_size: sounds encoded at once.
            seed: of the frozen pairing and the noise.
        """
        conditions = RECORDED if altered else RECORDED[:1]
        parts = together(self.ranks, lambda: self._part(samples, conditions, batch_size))
        heard = Tokens(missing=merged([part.missing for part in parts]))
        for condition in conditions:
            batches = [batch for part in parts for batch in part.tokens.get(condition, [])]
            if batches:
                heard.by_condition[condition] = _table(batches, len(samples))
        if altered and heard.by_condition:
            self._alter(heard, merged([part.labels for part in parts]), seed)
        return heard

    def _part(self, samples: Sequence[Sample], conditions: Sequence[str], batch_size: int) -> _Part:
        """Encode the sounds of this rank's batches."""
        part = _Part()
        read = _Reader(SoundReader(self.spec, self.encoding.stored.audio), altered=len(conditions) > 1)
        for items in evaluation_items(samples, read, batch_size, self.workers, ranks=self.ranks):
            part.missing |= {index: item for index, item in items if isinstance(item, Missing)}
            heard = [item for _, item in items if not isinstance(item, Missing)]
            part.labels |= {sounds.index: label for label, sounds in heard}
            for condition in conditions:
                having = [sounds for _, sounds in heard if condition in sounds.by_condition]
                if having:
                    tokens = self.tokens([sounds.by_condition[condition] for sounds in having])
                    part.tokens.setdefault(condition, []).append(([one.index for one in having], tokens))
        return part

    def _alter(self, heard: Tokens, labels: Mapping[int, str], seed: int) -> None:
        true = heard.by_condition["true"]
        count = len(true)
        usable = np.array(list(labels))
        if len(usable) > 1:
            heard.by_condition["shuffled"] = true[partners(usable, count, seed)]
        heard.by_condition["silent"] = self._made(
            [Audio(silence(self.spec).numpy(), self.spec.rate)]
        ).expand_as(true)
        noises = [noise(self.spec, seed + k) for k in range(min(NOISE_CLIPS, count))]
        heard.by_condition["noise"] = self._made(noises)[torch.arange(count) % len(noises)]
        if len(set(labels.values())) > 1:
            others = true[other_class(usable, list(labels.values()), count, seed)]
            own = heard.by_condition.get("off-screen", torch.full_like(true, float("nan")))
            heard.by_condition["off-screen"] = torch.where(own.isnan(), others, own)

    def _made(self, sounds: Sequence[Audio]) -> Tensor:
        """Return the audio tokens of sounds that we make."""
        return self.tokens([self.spec.sound(sound, self.encoding.stored.audio) for sound in sounds])


@dataclass
class _Part:
    """What one rank heard: batches of (places, tokens) by condition; missing sounds and labels by place."""

    tokens: dict[str, list[tuple[list[int], Tensor]]] = field(default_factory=dict)
    missing: dict[int, Missing] = field(default_factory=dict)
    labels: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Reader:
    """Reads the label of a sample with its sounds, the altered ones only where they are wanted."""

    sounds: SoundReader
    altered: bool

    def __call__(self, sample: Sample, epoch: int, index: int) -> tuple[str, SoundInputs]:
        wanted = sample if self.altered else replace(sample, distractor=None, off_screen=None)
        return sample.label, self.sounds(wanted, epoch, index)


def partners(usable: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Return whose sound each of `count` samples is given: a cycle through the usable ones, never its own."""
    cycle = np.random.default_rng(seed).permutation(usable)
    chosen = np.arange(count)
    chosen[cycle] = np.roll(cycle, 1)
    return chosen


def other_class(usable: np.ndarray, labels: Sequence[str], count: int, seed: int) -> np.ndarray:
    """Return whose sound each of `count` samples is given: a usable one of another class.

    Args:
        usable: the places of the samples that can be heard, of two classes at least.
        labels: of the usable samples.
        count: of all samples; who cannot be heard keeps its own place.
        seed: the same seed gives the same choice.
    """
    _, kinds = np.unique(np.array(labels), return_inverse=True)
    sizes = np.bincount(kinds)
    by_class = usable[np.argsort(kinds, kind="stable")]  # the members of each class stand side by side
    drawn = np.random.default_rng(seed + 1).integers(len(usable) - sizes[kinds])
    after_own = drawn >= (np.cumsum(sizes) - sizes)[kinds]
    chosen = np.arange(count)
    chosen[usable] = by_class[drawn + after_own * sizes[kinds]]
    return chosen


def _table(batches: Sequence[tuple[list[int], Tensor]], count: int) -> Tensor:
    """Put rows by place into one tensor; places without a row hold NaN, and are never scored."""
    _, first = batches[0]
    table = torch.full((count, *first.shape[1:]), float("nan"))
    for places, rows in batches:
        table[places] = rows
    return table
