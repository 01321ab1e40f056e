"""The tiny benchmark, without a validation split, and with clips that cannot be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from avprompt.plugin import BenchmarkAdapter, DataError, Missing, PublishedScores, Sample, Split
from tinyworld.scenes import SECONDS, SIDE, scene


class Tiny(BenchmarkAdapter):
    """Batches of 4 leave 2 of the 14 training clips over; no two test clips are of one class."""

    title = "Tiny world"
    citation = licence = source = "made on the fly"
    encoders = "tiny"
    audio_seconds = SECONDS
    size = SIDE
    validation_split = "validation"
    protocols: ClassVar[tuple[str, ...]] = ("val-threshold", "acl-sweep", "ezvsl-median")
    needs_root = False
    published: ClassVar = (
        PublishedScores(
            method="oracle",
            trained_on="tiny",
            split="test",
            protocol="acl-sweep",
            scores={"cIoU": 98.76},
            evidence="verified",
            source="a paper",
            composition=("oracle",),
            encoders="tiny",
        ),
    )
    counts: ClassVar[Mapping[str, int]] = {"train": 14, "validation": 7, "test": 6}

    def split(self, name: str) -> Split:
        if name not in self.counts:
            raise DataError(f"no split '{name}'")
        count = self.counts[name]
        return Split([self.sample(name, index) for index in range(count)], expected=count)

    def sample(self, split: str, index: int) -> Sample:
        return scene(split, index)


class Unvalidated(Tiny):
    """Thresholds must be chosen across folds of the test split."""

    validation_split = None
    counts: ClassVar[Mapping[str, int]] = {"train": 14, "test": 12}


class Broken(Tiny):
    """Every fifth clip has no image file, every fifth no sound; one is missing from the start."""

    def split(self, name: str) -> Split:
        whole = super().split(name)
        gone = Missing(f"{name}-gone", "its file was never there")
        return Split(whole.samples, whole.expected + 1, (gone,))

    def sample(self, split: str, index: int) -> Sample:
        sample = scene(split, index)
        if index % 5 == 1:
            return replace(sample, image=Path("no-such-image.png"))
        return replace(sample, audio=Path("no-such-sound.wav")) if index % 5 == 3 else sample


class Segmented(Tiny):
    """Scored by a protocol that chooses no threshold."""

    protocols: ClassVar[tuple[str, ...]] = ("avsbench-dataset",)


class OpenSet(Tiny):
    """Has two test splits."""

    test_splits = ("heard", "unheard")
    counts: ClassVar[Mapping[str, int]] = {"train": 14, "validation": 7, "heard": 6, "unheard": 4}
