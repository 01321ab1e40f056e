"""Examples that need no download: the first clips of the benchmark that a demo was trained on."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import soundfile
from PIL import Image

from avprompt.data.media import read_audio, read_image
from avprompt.registry import Registry
from avprompt.runs.demo import Demo

COUNT, RATE = 6, 16_000


@dataclass(frozen=True)
class Example:
    """A picture and its sound, as files, and the sound of another one of the examples."""

    picture: Path
    sound: Path
    other: Path


def write_examples(registry: Registry, folder: Path, count: int = COUNT) -> list[Example]:
    """Write the first clips of the demo's benchmark as files; none where it names no benchmark.

    Args:
        registry: of the plugins.
        folder: where the files go.
        count: of clips.
    """
    dataset = Demo.registered(registry).dataset
    if dataset is None:
        return []
    adapter = registry.load("datasets", dataset)()
    samples = [*islice(adapter.split(adapter.test_splits[0]).samples, count)]
    for number, sample in enumerate(samples):
        Image.fromarray(read_image(sample.image)).save(folder / f"{number}.png")
        soundfile.write(folder / f"{number}.wav", read_audio(sample.audio, RATE, adapter.audio_seconds), RATE)
    count = len(samples)
    return [
        Example(folder / f"{k}.png", folder / f"{k}.wav", folder / f"{(k + 1) % count}.wav")
        for k in range(count)
    ]
