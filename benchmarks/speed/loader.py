"""The loader: clips a second from files and from shards, by size of the frames and number of workers.

Clips are a JPEG frame and ten seconds of 44.1 kHz stereo, made in a temporary folder; what comes out is a
training batch at published size: the frame cut out of 387 x 387, the sound mono at 16 kHz. Two columns show
what decoding a JPEG at a fraction of its size saves; the loader does so wherever it may.

    python benchmarks/speed/loader.py [--clips 16] [--workers 0 1 2] [--step-seconds S] [--batch 16] [--json]

A step of S seconds needs BATCH / S clips a second; where there is a GPU, S is measured on it if not given.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from measuring import machine, median_seconds, options, report, run_job
from PIL import Image

from avprompt.config.training_options import TrainingOptions
from avprompt.data.inputs import InputSpec
from avprompt.data.media import read_audio, read_image
from avprompt.data.tools.pack import write_shards
from avprompt.records import Sample, Split
from avprompt.training.batches import ClipBatch, training_batches

FRAMES = ((640, 360), (1280, 720), (1920, 1080))
SECONDS, RECORDED, RATE, SIDE, CROP = 10, 44100, 16000, 352, 1.1
READ_AT_ONCE = 4


def main() -> None:
    """Make clips of each size, and read them in every way."""
    parser = options(__doc__)
    parser.add_argument("--clips", type=int, default=16)
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--step-seconds", type=float, help="of a training step, to compare with")
    parser.add_argument("--batch", type=int, default=16, help="clips in that step")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        figures = [measure(size, Path(temporary) / str(size[0]), arguments) for size in FRAMES]
    report(
        "The loader: milliseconds of a clip's parts, and clips a second",
        ["Frames", *(f"{width} x {height}" for width, height in FRAMES)],
        [[name, *(of_size[name] for of_size in figures)] for name in figures[0]],
        caption=machine(arguments.threads) + need(arguments),
        as_json=arguments.json,
    )


def measure(size: tuple[int, int], folder: Path, arguments: argparse.Namespace) -> dict[str, float]:
    """Return the figures for frames of one size, by what they say."""
    pairs = [write_clip(folder, index, size) for index in range(arguments.clips)]
    samples = [Sample(frame.stem, frame, sound) for frame, sound in pairs]
    frame, sound = pairs[0]

    def milliseconds(action: Callable[[], object]) -> float:
        return 1e3 * median_seconds(action, max(arguments.repeats, 5))

    figures = {
        "frame, ms": milliseconds(lambda: read_image(frame)),
        "frame in draft, ms": milliseconds(lambda: read_image(frame, round(CROP * SIDE))),
        "sound, ms": milliseconds(lambda: read_audio(sound, RATE, SECONDS)),
    }
    split = write_shards(Split(samples, len(samples)), folder / "shards", "speed", "train")
    for workers in arguments.workers:
        for name, source in (("files", samples), ("shards", split.samples)):
            rate = clips_per_second(source, workers, arguments.repeats)
            figures[f"{name}, {workers} workers, clips/s"] = rate
    return figures


def clips_per_second(samples: Sequence[Sample], workers: int, repeats: int) -> float:
    """Return the rate of an epoch; the first, which starts the workers, does not count."""
    spec = InputSpec(SIDE, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25), RATE, SECONDS)
    size = min(READ_AT_ONCE, len(samples))
    training = TrainingOptions(batch_size=size, workers=workers, crop=CROP)
    epoch = len(samples) // size
    batches = training_batches(samples, spec, training, 0, range(epoch * (1 + repeats)))
    return epoch * size / median_seconds(lambda: take(batches, epoch), repeats)


def take(batches: Iterator[ClipBatch], count: int) -> None:
    """Wait for so many batches."""
    for _ in range(count):
        clips = next(batches)
        assert not clips.skipped, clips.skipped


def write_clip(folder: Path, index: int, size: tuple[int, int]) -> tuple[Path, Path]:
    """Write a frame with detail at every scale, and noise in stereo; returns their paths."""
    folder.mkdir(exist_ok=True)
    draw = np.random.default_rng(index)
    coarse = Image.fromarray(draw.integers(0, 256, (size[1] // 8, size[0] // 8, 3), dtype=np.uint8))
    picture, sound = folder / f"{index}.jpg", folder / f"{index}.wav"
    coarse.resize(size, Image.Resampling.BICUBIC).save(picture, quality=90)
    soundfile.write(sound, 0.1 * draw.standard_normal((SECONDS * RECORDED, 2)), RECORDED)
    return picture, sound


def need(arguments: argparse.Namespace) -> str:
    """Say how many clips a second the training step asks for, where that is known."""
    batch, seconds = arguments.batch, arguments.step_seconds
    if seconds is None and torch.cuda.is_available():
        seconds = measure_step(batch)
    if seconds is None:
        return ""
    return f"\nA step of {batch} clips in {seconds:.3g} s needs {batch / seconds:.3g} clips/s."


def measure_step(batch: int) -> float:
    """Return the seconds of a step of souple at published size on the GPU."""
    with tempfile.TemporaryDirectory() as folder:
        request: dict[str, Any] = {
            "folder": folder,
            "scratch": folder,
            "method": "souple",
            "size": "published",
        }
        request |= {"threads": 1, "repeats": 3, "device": "cuda", "batch": batch}
        run_job("train_step_jobs.py", request | {"job": "write"})
        return float(run_job("train_step_jobs.py", request | {"job": "ours"})["seconds"])


if __name__ == "__main__":
    main()
