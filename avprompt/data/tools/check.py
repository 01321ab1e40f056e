"""Whether the data of a benchmark is whole: every clip, file and box of a split looked at."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from avprompt.data.benchmark import BenchmarkAdapter, Media
from avprompt.data.tools.annotation import inspect
from avprompt.data.tools.findings import Kind, Problem, Report, SplitReport
from avprompt.data.tools.look import File, Look, look
from avprompt.data.tools.parallel import Counting, quietly, spread
from avprompt.records import ArchiveMember, Frame, Sample, Split

SHORTEST_SIDE = 32
"""A picture with a shorter side, pixels, shows nothing."""

TOLERANCE = 0.25
"""Seconds by which a sound may miss its length: codecs pad, and videos end early."""


def check(
    adapter: BenchmarkAdapter,
    dataset: str,
    splits: Sequence[str] = (),
    workers: int = 1,
    counting: Counting = quietly,
) -> Report:
    """Look at some splits of a benchmark called `dataset`, all that are scored unless some are named.

    Raises:
        DataError: no such split, or its list or annotation cannot be read.
    """
    names = splits or (*adapter.test_splits, *filter(None, [adapter.validation_split]))
    found = {name: check_split(adapter, name, workers, counting) for name in names}
    root = str(adapter.root) if adapter.needs_root else ""
    return Report(dataset=dataset, data_root=root, splits=found, notes=adapter.notes)


def check_split(
    adapter: BenchmarkAdapter, name: str, workers: int = 1, counting: Counting = quietly
) -> SplitReport:
    """Look at every clip of a split.

    Args:
        adapter: the benchmark.
        name: of the split.
        workers: processes that read files.
        counting: shows how many files are read.

    Raises:
        DataError: no such split, or its list or annotation cannot be read.
    """
    split = adapter.split(name)
    inspected = inspect(adapter, name)
    clips = ClipFiles(split.samples)
    with counting(f"read {name}", len(clips.files)) as advance:
        looks = _looks(clips.files, workers, advance)
    media = adapter.media
    return SplitReport(
        official=adapter.expected.get(name),
        listed=len(split.samples) + len(split.missing),
        present=len(split.samples),
        annotation=inspected.box_counts if inspected else None,
        as_published=inspected is not None and inspected.as_published,
        problems=[
            *_unusable(split, clips, inspected.ids if inspected else None),
            *(inspected.broken if inspected else ()),
            *(problem for file, found in looks.items() for problem in _wrong(file, found, clips, media)),
            *_same_content(looks, clips, media),
        ],
    )


class ClipFiles:
    """The files of some clips, each once, and the id and group of the clips that each belongs to."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self.ids: list[str] = []
        self.owners: dict[File, list[tuple[str, str]]] = defaultdict(list)
        for sample in samples:
            self.ids.append(sample.id)
            for file in _files(sample):
                self.owners[file].append((sample.id, sample.group))
        self.files = list(self.owners)

    def first(self, file: File) -> str:
        """Return the first clip that a file belongs to."""
        return self.owners[file][0][0]

    def related(self, one: File, other: File) -> bool:
        """Say whether two files belong to one clip, or to clips that show one image."""
        ids, groups = ({owner[k] for owner in self.owners[one] if owner[k]} for k in (0, 1))
        return any(name in ids or group in groups for name, group in self.owners[other])


def _files(sample: Sample) -> Iterator[File]:
    if isinstance(sample.image, Path | ArchiveMember | Frame):
        yield File("picture", sample.image)
    if isinstance(sample.audio, Path | ArchiveMember):
        yield File("sound", sample.audio)


def _looks(files: Sequence[File], workers: int, advance: Callable[[int], None]) -> dict[File, Look]:
    looks: dict[File, Look] = {}
    for file, found in zip(files, spread(look, files, workers), strict=True):
        looks[file] = found
        advance(1)
    return looks


def _unusable(split: Split, clips: ClipFiles, annotated: set[str] | None) -> Iterator[Problem]:
    """Sort out why clips cannot be used: named before, without annotation, or without files."""
    named = Counter(clips.ids)
    for name, count in named.items():
        if count > 1:
            yield Problem(kind="duplicate", id=name, detail=f"{count} clips have this id")
    for missing in split.missing:
        kind: Kind = "missing" if annotated is None or missing.id in annotated else "broken annotation"
        yield Problem(kind="duplicate" if named[missing.id] else kind, id=missing.id, detail=missing.reason)
        named[missing.id] += 1


def _wrong(file: File, found: Look, clips: ClipFiles, media: Media) -> Iterator[Problem]:
    """Compare a file with what the benchmark's files are like."""
    name, source = clips.first(file), file.source
    if found.unreadable:
        yield Problem(kind="unreadable", id=name, detail=found.unreadable)
    if media.rate is not None and found.rate not in (None, media.rate):
        yield Problem(kind="wrong rate", id=name, detail=f"{source}: {found.rate} Hz, not {media.rate}")
    if media.seconds and found.seconds and abs(found.seconds - media.seconds) > TOLERANCE:
        detail = f"{source}: {found.seconds:.2f} s, not {media.seconds:g}"
        yield Problem(kind="wrong length", id=name, detail=detail)
    if found.size is not None and not _fits(found.size, media.size):
        wanted = "{} x {}".format(*media.size) if media.size else f"at least {SHORTEST_SIDE} a side"
        detail = f"{source}: {found.size[0]} x {found.size[1]} pixels, not {wanted}"
        yield Problem(kind="wrong size", id=name, detail=detail)


def _fits(size: tuple[int, int], wanted: tuple[int, int] | None) -> bool:
    return min(size) >= SHORTEST_SIDE if wanted is None else size == wanted


def _same_content(looks: dict[File, Look], clips: ClipFiles, media: Media) -> Iterator[Problem]:
    """Find files with the same bytes that belong to different clips."""
    alike: dict[tuple[str, str], list[File]] = defaultdict(list)
    for file, found in looks.items():
        if found.digest and not (file.role == "sound" and media.shared_sounds):
            alike[file.role, found.digest].append(file)
    for first, *others in alike.values():
        for other in others:
            if not clips.related(first, other):
                detail = f"{other.source} holds the same {other.role} as {first.source}"
                yield Problem(kind="duplicate", id=clips.first(other), detail=detail)
