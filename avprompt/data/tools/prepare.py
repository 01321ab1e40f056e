"""From videos to the pictures and sounds of a benchmark, in its official layout."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import soundfile
from PIL import Image

from avprompt.data.benchmark import BenchmarkAdapter
from avprompt.data.media import read_audio, read_frame
from avprompt.data.tools.parallel import Counting, quietly, spread
from avprompt.errors import DataError
from avprompt.files import replacing, sweep
from avprompt.records import Missing

VIDEOS = (".mp4", ".webm", ".mkv", ".avi", ".mov", ".m4v", ".flv")

JPEG_QUALITY = 95


@dataclass(frozen=True)
class Cut:
    """What is taken of a video: a frame, counted from 0 at `frame_rate`, and its first sound, mono."""

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
    cut: Cut

    @property
    def done(self) -> bool:
        """Whether both files are there; they are written whole, so they are finished then."""
        return self.image.is_file() and self.audio.is_file()


@dataclass(frozen=True)
class Plan:
    """What is to be made, second videos of a clip, and wanted clips without a video."""

    jobs: tuple[Job, ...]
    twice: tuple[Missing, ...] = ()
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
        DataError: there are no videos, or the benchmark is not made of videos.
    """
    cut, media = _cut(benchmark), benchmark.media
    jobs: dict[str, Job] = {}
    twice = []
    for video in _videos(videos):
        name = benchmark.spell(video.stem)
        if only is not None and name not in only:
            continue
        if name in jobs:
            twice.append(Missing(name, f"{video} is a second video of the clip of {jobs[name].video}"))
            continue
        image, audio = (root / where.format(id=name) for where in (media.image, media.audio))
        jobs[name] = Job(name, video, image, audio, cut)
    return Plan(tuple(jobs.values()), tuple(twice), tuple(sorted(set(only or ()) - jobs.keys())))


def prepare(jobs: Sequence[Job], workers: int = 1, counting: Counting = quietly) -> list[Missing]:
    """Make what is not there yet, and return the clips that could not be made, with the reason.

    What is there is kept, and each file is written whole or not at all, so that what was killed goes on
    where it was.

    Args:
        jobs: the clips.
        workers: processes.
        counting: shows how many clips are made, those that were there among them.

    Raises:
        DataError: a file cannot be written, or a process died.
    """
    for folder, ending in {(path.parent, path.suffix) for job in jobs for path in (job.image, job.audio)}:
        sweep(folder, ending)
    todo = [job for job in jobs if not job.done]
    broken = []
    with counting("prepare clips", len(jobs)) as advance:
        advance(len(jobs) - len(todo))
        for job, problem in zip(todo, spread(make, todo, workers), strict=True):
            advance(1)
            if problem:
                broken.append(Missing(job.id, problem))
    return broken


def make(job: Job) -> str:
    """Make the files of a clip that are not there; returns what is wrong with its video, if anything."""
    cut = job.cut
    try:
        frame = None if job.image.is_file() else read_frame(job.video, cut.frame, cut.frame_rate)
        sound = None if job.audio.is_file() else read_audio(job.video, cut.rate, cut.seconds)
    except DataError as error:
        return str(error)
    try:
        if frame is not None:
            with replacing(job.image) as temporary:
                Image.fromarray(frame).save(temporary, "JPEG", quality=JPEG_QUALITY)
        if sound is not None:
            with replacing(job.audio) as temporary:
                soundfile.write(temporary, sound, cut.rate, "PCM_16", format="WAV")
    except (OSError, soundfile.LibsndfileError) as error:
        raise DataError(f"The files of '{job.id}' cannot be written: {error}") from error
    return ""


def _cut(benchmark: type[BenchmarkAdapter]) -> Cut:
    media = benchmark.media
    if media.frame is None or media.rate is None or media.seconds is None:
        raise DataError(f"{benchmark.title} is not made of one frame of each video: nothing to prepare.")
    return Cut(media.frame, media.frame_rate, media.rate, media.seconds)


def _videos(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise DataError(f"There is no folder '{folder}' of videos.")
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in VIDEOS and path.is_file())
    if not found:
        raise DataError(f"'{folder}' holds no video ({', '.join(VIDEOS)}).")
    return found
