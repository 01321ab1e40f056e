"""The records that travel between parts, from a benchmark's sample to a run's result.

Letters of shapes, as in the papers: B batch, C vision width, D joint (CLIP) width, E text width,
K audio tokens, S prompt length, N patches, h x w patch grid or mask size, T audio samples.

Records of arrays or tensors equal only themselves: NumPy and torch have no one answer to `==`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Audio:
    """Decoded audio: `samples` (T,) or (channels, T), float in -1..1, at `rate` Hz."""

    samples: np.ndarray
    rate: int


@dataclass(frozen=True)
class Frame:
    """One frame of a video, decoded when it is needed.

    `index` counts from 0: at `rate` frames a second, as if the video were re-encoded at that rate, or
    the frames that are there where it is None.
    """

    video: Path
    index: int
    rate: float | None = None


@dataclass(frozen=True)
class ArchiveMember:
    """A file inside an uncompressed archive, found without reading what is before it.

    Attributes:
        archive: the file that holds it.
        name: what it is called in there.
        offset: where its first byte is.
        size: how many bytes it has.
    """

    archive: Path
    name: str
    offset: int
    size: int

    @property
    def suffix(self) -> str:
        """The suffix of its name, such as `.jpg`."""
        return Path(self.name).suffix

    def __str__(self) -> str:
        return f"{self.archive}:{self.name}"


@dataclass(frozen=True)
class StreamedFile:
    """A file of an archive that was streamed, already read: its `name` in there and its bytes."""

    name: str
    data: bytes

    @property
    def suffix(self) -> str:
        """The suffix of its name, such as `.jpg`."""
        return Path(self.name).suffix

    def __str__(self) -> str:
        return self.name


FileSource = Path | ArchiveMember | StreamedFile
"""Where the bytes of a file are: in a file of its own, or in an archive."""

PictureSource = FileSource | Frame | np.ndarray
"""Where a picture is: in a file, in a frame of a video, or in an array (H, W, 3) uint8."""

SoundSource = FileSource | Audio
"""Where a sound is: in a file, or decoded."""


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """Where the sound comes from.

    Attributes:
        mask: (H, W) float32 in 0..1; 1 inside the sounding object, fractions where annotators
            disagree (SoundNet-Flickr), all zero when nothing visible sounds.
        silent: (n, H, W) bool, one mask for each visible object that makes no sound; only
            benchmarks that annotate every object have them (n = 0 otherwise).
        sources: how many sources the annotation marks.
        parts: (n, H, W) bool, the mask of each source, where the benchmark tells them apart (n = 0
            otherwise).
    """

    mask: np.ndarray
    silent: np.ndarray = field(default_factory=lambda: np.zeros((0, 1, 1), dtype=bool))
    sources: int = 1
    parts: np.ndarray = field(default_factory=lambda: np.zeros((0, 1, 1), dtype=bool))


@dataclass(frozen=True, eq=False)
class Distractor:
    """A visible but silent object: the sound it would make, and its mask (H, W) bool."""

    audio: SoundSource
    mask: np.ndarray


@dataclass(frozen=True)
class Sample:
    """One benchmark sample: an image, the sound that goes with it, and where the sound is.

    Attributes:
        id: unique within its split.
        image: where its picture is.
        audio: where its sound is.
        truth: None in training splits.
        label: class name, never shown to a method.
        distractor: a silent object's own sound, where the benchmark can make it.
        off_screen: the sound of something that is not in the image, where the benchmark has it.
        group: samples of one image share it (interactive benchmarks).
        scenario: the benchmark's own kind of scene, such as AVATAR's `off-screen`.
        sounding: False where nothing in the image makes the sound.
        labels: the class name of each source, where `label` names several.
        extra: whatever else a protocol may need of a sample, by name: numbers, texts, arrays of one shape;
            shards of training clips do not keep it, as they keep no annotation.
    """

    id: str
    image: PictureSource
    audio: SoundSource
    truth: GroundTruth | None = None
    label: str = ""
    distractor: Distractor | None = None
    off_screen: SoundSource | None = None
    group: str = ""
    scenario: str = ""
    sounding: bool = True
    labels: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def names(self) -> tuple[str, ...]:
        """The class name of each source; `label` where there is but one."""
        return self.labels or (self.label,)


@dataclass(frozen=True)
class Missing:
    """A sample that the official list names and that cannot be used, with the reason."""

    id: str
    reason: str


@dataclass(frozen=True)
class Split:
    """The samples of one split that are there, of the `expected` ones that the official list names.

    `samples` may make its items when they are asked for; it never replaces one by another.
    """

    samples: Sequence[Sample]
    expected: int
    missing: tuple[Missing, ...] = ()


@dataclass(frozen=True, eq=False)
class ImageFeatures:
    """What the frozen image encoder says of B images.

    Attributes:
        pooled: (B, D) projected class token, F_I in the papers.
        hidden: the decoder's extract layers, each (B, N + 1, C), class token first.
        dense: (B, D, h, w) projected patch features, v^D in the papers.
    """

    pooled: Tensor
    hidden: tuple[Tensor, ...]
    dense: Tensor

    def __len__(self) -> int:
        return self.pooled.shape[0]

    def __getitem__(self, index: object) -> ImageFeatures:
        """Select images with a slice or an index tensor; the batch axis stays."""
        hidden = tuple(layer[index] for layer in self.hidden)  # type: ignore[index]
        return ImageFeatures(self.pooled[index], hidden, self.dense[index])  # type: ignore[index]


@dataclass(frozen=True, eq=False)
class AudioFeatures:
    """What a prompt generator is given of B sounds.

    Attributes:
        tokens: (B, K, E) audio tokens, V_A in the papers.
        frames: (B, L, W) of the frozen audio encoder, F_A in the papers; None unless the prompt generator
            asks for them (`sees_frames`).
    """

    tokens: Tensor
    frames: Tensor | None = None

    def __len__(self) -> int:
        return self.tokens.shape[0]

    def __getitem__(self, index: object) -> AudioFeatures:
        """Select sounds with a slice or an index tensor; the batch axis stays."""
        return self.map(lambda tensor: tensor[index])

    def map(self, function: Callable[..., Tensor], *others: AudioFeatures) -> AudioFeatures:
        """Apply a function of tensors to the tokens, and to the frames where there are some."""
        tokens = function(self.tokens, *(other.tokens for other in others))
        if self.frames is None:
            return AudioFeatures(tokens)
        return AudioFeatures(tokens, function(self.frames, *(other.frames for other in others)))


@dataclass(frozen=True, eq=False)
class Prompt:
    """Sequences for the text encoder.

    Attributes:
        embeddings: (B * R, S, E) input embeddings, before positions are added.
        read_at: index of the token whose final state becomes the text feature, `<eos>`; or one of each
            sequence, (B * R,), where they differ in length.
        deep_text: prompt tokens for the layers of the text tower after the first, each (B * R, M, E) or
            (1, M, E). Before a layer they replace the M tokens behind `<sos>`, positions not added; layers
            beyond the last of them go on with what they have.
        readings: R, consecutive sequences of which the text feature is the mean.
    """

    embeddings: Tensor
    read_at: int | Tensor
    deep_text: tuple[Tensor, ...] = ()
    readings: int = 1


@dataclass(frozen=True, eq=False)
class PairText:
    """The text features of every image with every audio, which training contrasts.

    Attributes:
        features: A (b, B, D): A[i, j] is audio j as read for image i.
        shared: all images share the reading of an audio: A[i, j] is the same for every i.
    """

    features: Tensor
    shared: bool

    @property
    def distinct(self) -> Tensor:
        """A without repetition: (B, D) where images share it, else (b, B, D)."""
        return self.features[0] if self.shared else self.features


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a method says of B samples: `heatmap` (B, H, W) in 0..1 and `confidence` (B,)."""

    heatmap: Tensor
    confidence: Tensor
