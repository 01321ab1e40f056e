"""What one media file holds, and what one annotation holds: the two things that a check looks at."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from avprompt.data.benchmark import Annotation, BenchmarkAdapter, BoxCounts
from avprompt.data.media import load_audio, read_image, verify_sound
from avprompt.data.tools.report import Problem
from avprompt.errors import DataError
from avprompt.records import ArchiveMember, Audio, Frame

FEWEST_PIXELS = 5
"""A truth of fewer pixels shows nothing."""

SILENCE = 1e-4
"""A sound that swings less about its mean, 80 dB below full scale, is silent."""

CANCELLED = 0.01
"""Channels whose mean has less than this part of their loudness cancel each other."""

FULL_SCALE, MOST_CLIPPED = 0.999, 0.1
"""A level that 16-bit files end at, and the part of the samples there that loud music does not reach."""

BEYOND_FULL_SCALE = 2.0
"""A sample this large is no overshoot of a codec."""


@dataclass(frozen=True)
class MediaFile:
    """A file in one of its roles: a video can be both."""

    role: Literal["picture", "sound"]
    source: Path | ArchiveMember | Frame


@dataclass(frozen=True)
class MediaFacts:
    """What is known of a media file that has been read from its beginning to its end.

    Attributes:
        unreadable: why it cannot be read; nothing else is known then.
        digest: of its bytes; empty for frames of videos and members of archives.
        size: of a picture, (width, height) in pixels.
        rate: of a sound, Hz.
        seconds: length of a sound.
        silent: why nothing is heard of a sound, if nothing is.
        clipped: how much of a sound is cut off at full scale, or how far it goes beyond that, if it does.
    """

    unreadable: str = ""
    digest: str = ""
    size: tuple[int, int] | None = None
    rate: int | None = None
    seconds: float | None = None
    silent: str = ""
    clipped: str = ""


@dataclass
class AnnotationFacts:
    """What is known of the annotation of a split.

    Attributes:
        counts: samples and boxes altogether.
        ids: of the samples.
        broken: a problem for each kind of broken box of each sample, and for each odd truth.
        as_published: the official annotation has exactly these counts.
    """

    counts: BoxCounts = field(default_factory=BoxCounts)
    ids: set[str] = field(default_factory=set)
    broken: list[Problem] = field(default_factory=list)
    as_published: bool = False


def inspect_media(file: MediaFile, seconds: float) -> MediaFacts:
    """Read a media file whole; of a sound only the first seconds are heard."""
    try:
        if file.role == "picture":
            return _inspect_picture(file.source)
        return _inspect_sound(file.source, seconds)
    except DataError as error:
        return MediaFacts(unreadable=str(error))


def inspect_annotation(adapter: BenchmarkAdapter, split: str) -> AnnotationFacts | None:
    """Look at every annotated sample of a split; None where clips are not annotated. No media is read."""
    if split not in (*adapter.test_splits, adapter.validation_split):
        return None
    facts = AnnotationFacts()
    try:
        for annotation in adapter.annotations(split):
            facts.counts += annotation.counts
            facts.ids.add(annotation.id)
            facts.broken += [*_broken_boxes(annotation), *_odd_truth(annotation, adapter)]
    except DataError:  # Nothing of it is annotated; the split says why of each clip.
        return facts
    facts.as_published = facts.counts == adapter.box_counts.get(split)
    for problem in facts.broken:
        problem.known = facts.as_published
    return facts


def _inspect_picture(source: Path | ArchiveMember | Frame) -> MediaFacts:
    height, width, _ = read_image(source).shape
    return MediaFacts(digest=_digest(source), size=(width, height))


def _inspect_sound(source: Path | ArchiveMember | Frame, seconds: float) -> MediaFacts:
    if isinstance(source, Frame):
        raise DataError(f"{source} is a picture.")
    audio = load_audio(source)
    verify_sound(audio, str(source))
    return MediaFacts(
        digest=_digest(source),
        rate=audio.rate,
        seconds=audio.samples.shape[-1] / audio.rate,
        silent=_silent(audio, seconds),
        clipped=_clipped(audio.samples),
    )


def _silent(audio: Audio, seconds: float) -> str:
    """Say why nothing is heard in the first seconds, if nothing is."""
    channels = audio.samples[:, : math.ceil(seconds * audio.rate)].astype(np.float64)
    swing = channels - channels.mean(axis=1, keepdims=True)  # a constant level is not heard
    if np.abs(swing).max() < SILENCE:
        return f"nothing is heard in its first {seconds:g} s"
    if swing.mean(axis=0).std() < CANCELLED * swing.std():
        return "its channels cancel each other when they are mixed: keep one of them"
    return ""


def _clipped(samples: np.ndarray) -> str:
    """Say how much of a sound is cut off at its loudest, or how far it goes beyond full scale."""
    level = np.abs(samples)
    peak = float(level.max())
    if peak > BEYOND_FULL_SCALE:
        return f"samples as large as {peak:.4g}, where sound lies in -1..1"
    if peak > FULL_SCALE and (share := float(np.mean(level > FULL_SCALE))) > MOST_CLIPPED:
        return f"{share:.0%} of its samples are cut off at full scale"
    return ""


def _digest(source: Path | ArchiveMember | Frame) -> str:
    if not isinstance(source, Path):
        return ""
    with source.open("rb") as file:
        return hashlib.file_digest(file, hashlib.blake2b).hexdigest()


def _broken_boxes(annotation: Annotation) -> Iterator[Problem]:
    counts = annotation.counts
    details = {
        f"{counts.garbage} of {counts.boxes} boxes hold numbers that mean nothing": counts.garbage,
        f"{counts.degenerate} of {counts.boxes} boxes have no width or height": counts.degenerate,
        "no box marks anything": counts.unmarked,
    }
    for detail, count in details.items():
        if count:
            yield Problem(kind="broken annotation", id=annotation.id, detail=detail)


def _odd_truth(annotation: Annotation, adapter: BenchmarkAdapter) -> Iterator[Problem]:
    """Find truths that no annotator means, such as boxes in another unit make."""
    marked = int(np.count_nonzero(annotation.truth.mask))
    may_be_empty = adapter.empty_truths or annotation.counts.unmarked or not annotation.sounding
    detail = ""
    if marked == annotation.truth.mask.size:
        detail = "the truth covers the whole picture"
    elif marked < FEWEST_PIXELS and not may_be_empty:
        detail = f"the truth covers {marked} pixels" if marked else "the truth marks nothing"
    if detail:
        yield Problem(kind="broken annotation", id=annotation.id, detail=detail)
