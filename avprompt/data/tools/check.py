"""Whether the data of a benchmark is whole: every clip, file and box of a split looked at."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from avprompt.data.benchmark import BenchmarkAdapter, Media
from avprompt.data.tools.inspection import (
    AnnotationFacts,
    MediaFacts,
    MediaFile,
    inspect_annotation,
    inspect_media,
)
from avprompt.data.tools.parallel import Counting, parallel_map, quietly
from avprompt.data.tools.report import Kind, Problem, Report, SplitReport
from avprompt.errors import listed
from avprompt.records import ArchiveMember, Frame, Sample, Split

SHORTEST_SIDE = 32
"""A picture with a shorter side, pixels, shows nothing."""

TOLERANCE = 0.25
"""Seconds by which a sound may miss its length: codecs pad, and videos end early."""

NAMED = 5
"""How many of many clips a note names."""


def check(
    adapter: BenchmarkAdapter,
    dataset: str,
    splits: Sequence[str] = (),
    workers: int = 1,
    counting: Counting = quietly,
) -> Report:
    """Look at some splits of a benchmark called `dataset`.

    All that are scored are looked at unless some are named, or where none can be, the clips to train on; and
    the clips that are only drawn. Each file is read once.

    Raises:
        DataError: no such split, or its list or annotation cannot be read.
    """
    scored = (*adapter.test_splits, *filter(None, [adapter.validation_split]))
    drawn = tuple(filter(None, [adapter.drawn_split]))
    names = splits or (*(scored or (adapter.train_split,)), *drawn)
    media: dict[MediaFile, MediaFacts] = {}
    reports = {name: check_split(adapter, name, workers, counting, media) for name in names}
    root = str(adapter.root) if adapter.needs_root else ""
    return Report(dataset=dataset, data_root=root, splits=reports, notes=adapter.notes)


def check_split(
    adapter: BenchmarkAdapter,
    name: str,
    workers: int = 1,
    counting: Counting = quietly,
    inspected: dict[MediaFile, MediaFacts] | None = None,
) -> SplitReport:
    """Look at every clip of a split.

    Args:
        adapter: the benchmark.
        name: of the split.
        workers: processes that read files.
        counting: shows how many files are read.
        inspected: files that were read before, which are not read again; those that are read now are added.

    Raises:
        DataError: no such split, or its list or annotation cannot be read.
    """
    split = adapter.split(name)
    annotation = inspect_annotation(adapter, name)
    clips = ClipFiles(split.samples)
    inspected = {} if inspected is None else inspected
    clips.inspect(inspected, f"read {name}", adapter.audio_seconds, workers, counting)
    media = {file: inspected[file] for file in clips.owners}
    return SplitReport(
        official=adapter.expected.get(name),
        listed=len(split.samples) + len(split.missing),
        present=len(split.samples),
        readable=len(split.samples) - len(clips.unreadable(media)),
        annotation=annotation.counts if annotation else None,
        as_published=annotation is not None and annotation.as_published,
        problems=[
            *_unusable(split, clips, annotation),
            *(annotation.broken if annotation else ()),
            *_unlike(adapter.media, media, clips),
            *_same_content(adapter.media, media, clips),
        ],
        notes=[] if adapter.media.seconds else list(_other_lengths(adapter.audio_seconds, media, clips)),
    )


class Owner(NamedTuple):
    """A clip that a file belongs to."""

    id: str
    group: str
    sounding: bool


class ClipFiles:
    """The files of some clips, each once, and the clips that it belongs to."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self.ids: list[str] = []
        self.owners: dict[MediaFile, list[Owner]] = defaultdict(list)
        for sample in samples:
            self.ids.append(sample.id)
            for file in _files(sample):
                self.owners[file].append(Owner(sample.id, sample.group, sample.sounding))

    def inspect(
        self,
        media: dict[MediaFile, MediaFacts],
        what: str,
        seconds: float,
        workers: int,
        counting: Counting,
    ) -> None:
        """Read all files that `media` lacks, and add them to it; sounds are heard for so many seconds."""
        files = [file for file in self.owners if file not in media]
        look = partial(inspect_media, seconds=seconds)
        with counting(what, len(files)) as advance:
            for file, facts in zip(files, parallel_map(look, files, workers), strict=True):
                media[file] = facts
                advance(1)

    def first_owner(self, file: MediaFile) -> str:
        """Return the id of the first clip that a file belongs to."""
        return self.owners[file][0].id

    def unreadable(self, media: Mapping[MediaFile, MediaFacts]) -> set[str]:
        """Return the ids of the clips of which a file could not be read."""
        broken = (self.owners[file] for file, facts in media.items() if facts.unreadable)
        return {owner.id for owners in broken for owner in owners}

    def sounding(self, file: MediaFile) -> bool:
        """Say whether something in the picture of a file's clip makes its sound."""
        return any(owner.sounding for owner in self.owners[file])

    def related(self, file: MediaFile, other: MediaFile) -> bool:
        """Say whether two files belong to one clip, or to clips that show one image."""
        ids = {owner.id for owner in self.owners[file]}
        groups = {owner.group for owner in self.owners[file] if owner.group}
        return any(owner.id in ids or owner.group in groups for owner in self.owners[other])


def _files(sample: Sample) -> Iterator[MediaFile]:
    if isinstance(sample.image, Path | ArchiveMember | Frame):
        yield MediaFile("picture", sample.image)
    if isinstance(sample.audio, Path | ArchiveMember):
        yield MediaFile("sound", sample.audio)


def _unusable(split: Split, clips: ClipFiles, annotation: AnnotationFacts | None) -> Iterator[Problem]:
    """Sort out why clips cannot be used: named before, without annotation, or without files."""
    named = Counter(clips.ids)
    for name, count in named.items():
        if count > 1:
            yield Problem(kind="duplicate", id=name, detail=f"{count} clips have this id")
    for missing in split.missing:
        annotated = annotation is None or missing.id in annotation.ids
        kind: Kind = "missing" if annotated else "broken annotation"
        yield Problem(kind="duplicate" if named[missing.id] else kind, id=missing.id, detail=missing.reason)
        named[missing.id] += 1


def _unlike(expected: Media, media: Mapping[MediaFile, MediaFacts], clips: ClipFiles) -> Iterator[Problem]:
    """Find files that are not like the benchmark's files."""
    for file, facts in media.items():
        for kind, detail in _differences(expected, facts):
            if kind == "silent" and not clips.sounding(file):
                continue  # as it should be where nothing sounds
            where = "" if kind == "unreadable" else f"{file.source}: "
            yield Problem(kind=kind, id=clips.first_owner(file), detail=where + detail)


def _differences(expected: Media, facts: MediaFacts) -> Iterator[tuple[Kind, str]]:
    if facts.unreadable:
        yield "unreadable", facts.unreadable
    if facts.silent:
        yield "silent", facts.silent
    if facts.clipped:
        yield "clipped", facts.clipped
    if expected.rate is not None and facts.rate not in (None, expected.rate):
        yield "wrong rate", f"{facts.rate} Hz, not {expected.rate}"
    if expected.seconds and facts.seconds and abs(facts.seconds - expected.seconds) > TOLERANCE:
        yield "wrong length", f"{facts.seconds:.2f} s, not {expected.seconds:g}"
    if facts.size is not None and not _fits(facts.size, expected.size):
        sides = "{} x {}".format(*expected.size) if expected.size else f"at least {SHORTEST_SIDE} a side"
        yield "wrong size", f"{facts.size[0]} x {facts.size[1]} pixels, not {sides}"


def _other_lengths(heard: float, media: Mapping[MediaFile, MediaFacts], clips: ClipFiles) -> Iterator[str]:
    """Say which sounds are not as long as what is heard of each, where any length is right."""
    lengths = {clips.first_owner(file): facts.seconds for file, facts in media.items() if facts.seconds}
    longer = [name for name, seconds in lengths.items() if seconds > heard + TOLERANCE]
    shorter = [name for name, seconds in lengths.items() if seconds < heard - TOLERANCE]
    if longer:
        yield f"sounds longer than {heard:g} s, of which only the beginning is used: {listed(longer, NAMED)}"
    if shorter:
        yield f"sounds shorter than {heard:g} s, which the audio encoder fills up: {listed(shorter, NAMED)}"


def _fits(size: tuple[int, int], expected: tuple[int, int] | None) -> bool:
    return min(size) >= SHORTEST_SIDE if expected is None else size == expected


def _same_content(
    expected: Media, media: Mapping[MediaFile, MediaFacts], clips: ClipFiles
) -> Iterator[Problem]:
    """Find files with the same bytes that belong to different clips."""
    alike: dict[tuple[str, str], list[MediaFile]] = defaultdict(list)
    for file, facts in media.items():
        if facts.digest and not (file.role == "sound" and expected.shared_sounds):
            alike[file.role, facts.digest].append(file)
    for first, *others in alike.values():
        for other in others:
            if not clips.related(first, other):
                detail = f"{other.source} holds the same {other.role} as {first.source}"
                yield Problem(kind="duplicate", id=clips.first_owner(other), detail=detail)
