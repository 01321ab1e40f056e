"""The audio tokens of a split under the true and under altered sound, each sound encoded once.

Whoever localises without listening scores the same under all of these: that is what audio reliance shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from avprompt.data.inputs import InputSpec, Sound, SoundInputs, SoundReader, evaluation_items, noise, silence
from avprompt.distributed import ALONE, Ranks, merged, together
from avprompt.evaluation.finite import check_finite
from avprompt.features.encoding import Encoding
from avprompt.model.outputs import audio_tags
from avprompt.records import Audio, AudioFeatures, Missing, Sample

ALTERED = ("shuffled", "silent", "noise", "off-screen", "distractor")
RECORDED = ("true", "distractor", "off-screen")
"""What a benchmark may have a recording of; the other sounds are made."""

NOISE_CLIPS = 8


@dataclass
class AudioTokens:
    """Audio tokens of the N samples of a split, and the samples without a readable sound.

    Attributes:
        by_condition: of N sounds by condition; `true` always, altered sounds where they can be made.
        names: the classes of their sources, of the samples with a sound, by their place in the split.
        tagged: the class that the audio encoder hears in their true sound, likewise, where it is a tagger.
        missing: the samples without one, by their place in the split.
    """

    by_condition: dict[str, AudioFeatures] = field(default_factory=dict)
    names: dict[int, tuple[str, ...]] = field(default_factory=dict)
    tagged: dict[int, str] = field(default_factory=dict)
    missing: dict[int, Missing] = field(default_factory=dict)

    def under(self, condition: str, places: Sequence[int], device: torch.device) -> AudioFeatures:
        """Return what the samples at B places of the split hear under a condition, on a device."""
        return self.by_condition[condition][places].map(lambda rows: rows.to(device))


class AlteredAudio:
    """Encodes the sounds of a split with a method's audio encoder and projection, each rank its batches."""

    def __init__(self, encoding: Encoding, spec: InputSpec, ranks: Ranks = ALONE, workers: int = 0) -> None:
        self.encoding, self.spec, self.ranks, self.workers = encoding, spec, ranks, workers

    def encode(
        self, samples: Sequence[Sample], *, altered: bool, batch_size: int, seed: int = 0
    ) -> AudioTokens:
        """Encode a split; every rank returns all of it.

        Args:
            samples: of the split.
            altered: make the altered sounds too.
            batch_size: sounds encoded at once.
            seed: of the frozen pairing and the noise.

        Raises:
            EvaluationError: what was made of a sound is not finite; names the sample.
        """
        conditions = RECORDED if altered else RECORDED[:1]
        shares = together(self.ranks, lambda: self._share(samples, conditions, batch_size))
        tokens = AudioTokens(
            names=merged([share.names for share in shares]),
            tagged=merged([share.tagged for share in shares]),
            missing=merged([share.missing for share in shares]),
        )
        for condition in conditions:
            batches = [batch for share in shares for batch in share.batches.get(condition, [])]
            if batches:
                tokens.by_condition[condition] = _table(batches, len(samples))
        if altered and tokens.by_condition:
            tokens.by_condition |= self._altered(tokens, seed)
        return tokens

    def _share(self, samples: Sequence[Sample], conditions: Sequence[str], batch_size: int) -> _Share:
        """Encode the sounds of this rank's batches."""
        share = _Share()
        read = _Reader(SoundReader(self.spec, self.encoding.stored.audio), altered=len(conditions) > 1)
        for items in evaluation_items(samples, read, batch_size, self.workers, ranks=self.ranks):
            share.missing |= {index: item for index, item in items if isinstance(item, Missing)}
            readable = [item for _, item in items if not isinstance(item, Missing)]
            share.names |= {inputs.index: names for names, inputs in readable}
            for condition in conditions:
                heard = [inputs for _, inputs in readable if condition in inputs.by_condition]
                if heard:
                    places, names = [inputs.index for inputs in heard], [inputs.id for inputs in heard]
                    frames = self._frames(
                        [inputs.by_condition[condition] for inputs in heard], names, condition
                    )
                    batch = places, self._listen(frames, names, condition)
                    share.batches.setdefault(condition, []).append(batch)
                    if condition == "true":
                        share.tagged |= zip(places, self._tag(frames), strict=False)
        return share

    def _altered(self, tokens: AudioTokens, seed: int) -> dict[str, AudioFeatures]:
        """Return the tokens of the sounds that no benchmark need have."""
        true, labels = tokens.by_condition["true"], [" and ".join(names) for names in tokens.names.values()]
        count, usable = len(true), np.array(list(tokens.names))
        altered = {}
        if len(usable) > 1:
            altered["shuffled"] = true[partners(usable, count, seed)]
        silent = Audio(silence(self.spec).numpy(), self.spec.rate)
        altered["silent"] = self._encode_made([silent], "silent").map(torch.Tensor.expand_as, true)
        noises = [noise(self.spec, seed + k) for k in range(min(NOISE_CLIPS, count))]
        altered["noise"] = self._encode_made(noises, "noise")[torch.arange(count) % len(noises)]
        if len(set(labels)) > 1:
            others = true[other_class(usable, labels, count, seed)]
            recorded = tokens.by_condition.get("off-screen")
            altered["off-screen"] = others if recorded is None else recorded.map(_filled, others)
        return altered

    def _encode_made(self, sounds: Sequence[Audio], condition: str) -> AudioFeatures:
        """Return the audio tokens of sounds that come from no benchmark."""
        names = [f"{condition} {number}" for number in range(len(sounds))]
        stored = self.encoding.stored.audio
        frames = self._frames([self.spec.sound(sound, stored) for sound in sounds], names, condition)
        return self._listen(frames, names, condition)

    def _frames(self, sounds: Sequence[Sound], names: Sequence[str], condition: str) -> Tensor:
        """Return the frames of sounds; names and condition are for messages."""
        frames, encoder = self.encoding.frames(sounds), type(self.encoding.method.audio_encoder).__name__
        check_finite(frames, names, f"What {encoder} made of the sound ({condition})")
        return frames

    @torch.no_grad()
    def _tag(self, frames: Tensor) -> list[str]:
        """Return the best class of each sound; none where the audio encoder is no tagger."""
        encoder = self.encoding.method.audio_encoder
        if not encoder.labels:
            return []
        return [encoder.labels[best] for best in audio_tags(encoder, frames).argmax(1).tolist()]

    @torch.no_grad()
    def _listen(self, frames: Tensor, names: Sequence[str], condition: str) -> AudioFeatures:
        """Return what the prompt generator is given of sounds, likewise."""
        method = self.encoding.method
        projection = type(method.projection).__name__
        audio = method.listen(frames).map(lambda tensor: tensor.float().cpu())
        check_finite(audio.tokens, names, f"What {projection} made of the sound ({condition})")
        return audio


@dataclass
class _Share:
    """What one rank encoded: batches of (places, features) by condition; the rest by place."""

    batches: dict[str, list[tuple[list[int], AudioFeatures]]] = field(default_factory=dict)
    names: dict[int, tuple[str, ...]] = field(default_factory=dict)
    tagged: dict[int, str] = field(default_factory=dict)
    missing: dict[int, Missing] = field(default_factory=dict)


@dataclass(frozen=True)
class _Reader:
    """Reads a sample's sounds and its sources' names; altered sounds only where they are asked for."""

    sounds: SoundReader
    altered: bool

    def __call__(self, sample: Sample, epoch: int, index: int) -> tuple[tuple[str, ...], SoundInputs]:
        if not self.altered:
            sample = replace(sample, distractor=None, off_screen=None)
        return sample.names, self.sounds(sample, epoch, index)


def partners(
    usable: np.ndarray, count: int, seed: int, *, distance: int = 1, without: Sequence[int] = ()
) -> np.ndarray:
    """Return whose sound or context each of `count` samples is given, never its own.

    The usable samples stand in a circle that the seed draws, and each is given what the one so far before it
    has. Two distances give each sample two partners.

    Args:
        usable: the places of more than `distance` samples; who is not among them keeps its own place.
        count: of all samples.
        seed: the same seed gives the same circle.
        distance: how far before it a sample's partner stands.
        without: who leaves the circle once it is drawn.
    """
    circle = np.random.default_rng(seed).permutation(usable)
    circle = circle[~np.isin(circle, without)]
    donors = np.arange(count)
    donors[circle] = np.roll(circle, distance)
    return donors


def other_class(usable: np.ndarray, labels: Sequence[str], count: int, seed: int) -> np.ndarray:
    """Return whose sound each of `count` samples is given: a usable one of another class.

    Args:
        usable: the places of the samples that can be heard, of two classes at least.
        labels: of the usable samples.
        count: of all samples; who cannot be heard keeps its own place.
        seed: the same seed gives the same choice.
    """
    _, classes = np.unique(np.array(labels), return_inverse=True)
    sizes = np.bincount(classes)
    by_class = usable[np.argsort(classes, kind="stable")]  # the members of each class stand side by side
    drawn = np.random.default_rng(seed + 1).integers(len(usable) - sizes[classes])
    after_own = drawn >= (np.cumsum(sizes) - sizes)[classes]
    donors = np.arange(count)
    donors[usable] = by_class[drawn + after_own * sizes[classes]]
    return donors


def _table(batches: Sequence[tuple[list[int], AudioFeatures]], count: int) -> AudioFeatures:
    """Put sounds in the order of their places; places without a sound hold NaN, and are never scored."""
    (_, first), *others = batches
    places = [place for batch, _ in batches for place in batch]

    def in_order(rows: Tensor) -> Tensor:
        table = torch.full((count, *rows.shape[1:]), float("nan"))
        table[places] = rows
        return table

    joined = first.map(lambda *parts: torch.cat(parts), *(features for _, features in others))
    return joined.map(in_order)


def _filled(rows: Tensor, others: Tensor) -> Tensor:
    """Return the rows of others where there are none."""
    return torch.where(rows.isnan(), others, rows)
