"""From videos to the pictures and sounds of a benchmark, in its official layout."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image

from avprompt.data.benchmark import BenchmarkAdapter
from avprompt.data.media import read_audio
from avprompt.data.sources import VIDEO_SUFFIXES
from avprompt.data.tools.check import TOLERANCE
from avprompt.data.tools.parallel import Counting, parallel_map, quietly
from avprompt.data.video import picture_length, read_frame
from avprompt.errors import DataError
from avprompt.files import locked, replacing, sweep
from avprompt.records import Missing

JPEG_QUALITY = 95

MARGIN = 1.0
"""Seconds by which a video may be longer than its clip: cutting tools end at whole packets."""


@dataclass(frozen=True)
class Excerpt:
    """What is taken of the video of a clip: one frame, and its sound as mono.

    Attributes:
        frame: index of the frame, counted from 0.
        frame_rate: frames per second in which it is counted.
        rate: of the sound, Hz.
        seconds: length of the clip. In a longer video, which is not cut to the clip, the frame is another.
    """

    frame: int
    frame_rate: float
    rate: int
    seconds: float


@dataclass(frozen=True)
class Job:
    """One clip: the video, and the two files to make of it."""

    id: str
    video: Path
    image: Path
    audio: Path
    excerpt: Excerpt

    @property
    def done(self) -> bool:
        """Whether both files are there; they are written whole, so they are finished then."""
        return self.image.is_file() and self.audio.is_file()


@dataclass(frozen=True)
class Plan:
    """What is to be made of a folder of videos.

    Attributes:
        root: the data root to fill.
        jobs: the clips.
        second_videos: videos that are left out, since another one is of the same clip.
        without_video: ids that were asked for and have no video.
    """

    root: Path
    jobs: tuple[Job, ...]
    second_videos: tuple[Missing, ...] = ()
    without_video: tuple[str, ...] = ()


def plan(
    benchmark: type[BenchmarkAdapter], videos: Path, root: Path, only: Collection[str] | None = None
) -> Plan:
    """Find the videos, and where their pictures and sounds belong.

    Args:
        benchmark: its `media` says what is made, its `spell` how the videos' names become ids.
        videos: folder of videos called by the ids of their clips; folders in it are searched too.
        root: the data root to fill.
        only: ids of the clips to make, in the benchmark's spelling; None makes all.

    Raises:
        DataError: there are no videos, or none of a clip that was asked for, or the benchmark is not made
            of videos.
    """
    excerpt, media = _excerpt(benchmark), benchmark.media
    jobs: dict[str, Job] = {}
    second_videos = []
    for video in _videos(videos):
        name = benchmark.spell(video.stem)
        if only is not None and name not in only:
            continue
        if name in jobs:
            second_videos.append(
                Missing(name, f"{video} is a second video of the clip of {jobs[name].video}")
            )
            continue
        image, audio = root / media.image.format(id=name), root / media.audio.format(id=name)
        jobs[name] = Job(name, video, image, audio, excerpt)
    if only is not None and not jobs:
        raise DataError(
            f"'{videos}' has no video of a clip that was asked for: the list names such as "
            f"'{next(iter(only), '')}', the videos are called such as '{_videos(videos)[0].name}'."
        )
    without_video = sorted(set(only or ()) - jobs.keys())
    return Plan(root, tuple(jobs.values()), tuple(second_videos), tuple(without_video))


def prepare(work: Plan, workers: int = 1, counting: Counting = quietly) -> list[Missing]:
    """Make the files that do not exist yet, and return the clips that could not be made, with the reason.

    Existing files are kept, and each file is written whole or not at all, so that what was killed goes on
    where it was. Other processes are kept from the data root meanwhile.

    Args:
        work: what is to be made.
        workers: processes.
        counting: shows how many clips are made, those that existed before among them.

    Raises:
        ConfigError: another process prepares the same data root.
        DataError: a file cannot be written, or a process died.
    """
    try:
        with locked(work.root / ".lock"):
            return list(_prepare(work.jobs, workers, counting))
    except OSError as error:
        raise DataError(f"'{work.root}' cannot be written to: {error}") from error


def _prepare(jobs: Sequence[Job], workers: int, counting: Counting) -> Iterator[Missing]:
    for folder, ending in {(path.parent, path.suffix) for job in jobs for path in (job.image, job.audio)}:
        sweep(folder, ending)
    todo = [job for job in jobs if not job.done]
    with counting("prepare clips", len(jobs)) as advance:
        advance(len(jobs) - len(todo))
        for job, problem in zip(todo, parallel_map(make_clip, todo, workers), strict=True):
            advance(1)
            if problem:
                yield Missing(job.id, problem)


def short_sounds(jobs: Sequence[Job]) -> list[Missing]:
    """Return the finished clips whose sound is shorter than it should be; nothing pads it."""
    short = []
    for job in jobs:
        if job.done:
            try:
                seconds = soundfile.info(job.audio).duration
            except soundfile.LibsndfileError as error:
                short.append(Missing(job.id, f"{job.audio} cannot be read: {error}"))
                continue
            if seconds < job.excerpt.seconds - TOLERANCE:
                short.append(Missing(job.id, f"{seconds:.2f} s of sound, not {job.excerpt.seconds:g}"))
    return short


def make_clip(job: Job) -> str:
    """Make the files of a clip that do not exist; returns what is wrong with its video, if anything."""
    excerpt, longest = job.excerpt, job.excerpt.seconds + MARGIN
    try:
        if picture_length(job.video, longest) >= longest:
            return (
                f"{job.video} is longer than the {excerpt.seconds:g} s of a clip. Cut the clip out of it: "
                f"ffmpeg -ss START -i FILE -t {excerpt.seconds:g} '{job.id}.mp4'"
            )
        frame = None if job.image.is_file() else read_frame(job.video, excerpt.frame, excerpt.frame_rate)
        sound = None if job.audio.is_file() else _sound(job)
    except DataError as error:
        return str(error)
    try:
        if frame is not None:
            with replacing(job.image) as temporary:
                Image.fromarray(frame).save(temporary, "JPEG", quality=JPEG_QUALITY)
        if sound is not None:
            with replacing(job.audio) as temporary:
                soundfile.write(temporary, sound, excerpt.rate, "PCM_16", format="WAV")
    except (OSError, soundfile.LibsndfileError) as error:
        raise DataError(f"The files of '{job.id}' cannot be written: {error}") from error
    return ""


def _sound(job: Job) -> np.ndarray:
    return read_audio(job.video, job.excerpt.rate, job.excerpt.seconds, pad=False)


def _excerpt(benchmark: type[BenchmarkAdapter]) -> Excerpt:
    media = benchmark.media
    if media.frame is None or media.rate is None or media.seconds is None:
        raise DataError(f"{benchmark.title} is not made of one frame of each video: nothing to prepare.")
    return Excerpt(media.frame, media.frame_rate, media.rate, media.seconds)


def _videos(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise DataError(f"There is no folder '{folder}' of videos.")
    paths = (path for path in folder.rglob("*") if path.suffix.lower() in VIDEO_SUFFIXES)
    videos = sorted(path for path in paths if path.is_file())
    if not videos:
        raise DataError(f"'{folder}' holds no video ({', '.join(VIDEO_SUFFIXES)}).")
    return videos
