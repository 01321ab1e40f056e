"""The interface of benchmarks: where samples come from, and what may be said of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from avprompt.errors import DataError
from avprompt.records import Split


class BenchmarkAdapter(ABC):
    """A benchmark: its splits in the official layout, its citation, and how to get the data.

    Attributes:
        title: the benchmark's name in prose.
        citation: the paper to cite.
        licence: of annotations and media.
        source: how to get the data, and the folder layout that `root` must have.
        encoders: default encoder set.
        audio_seconds: how much of each clip's sound is used, from its start.
        size: side of the square map that is scored, pixels.
        train_split: what methods are trained on.
        validation_split: where thresholds are chosen; None where the benchmark has none.
        test_splits: what is scored, the first one is the headline.
        protocols: registered names of the protocols that apply, the first one is the headline.
        notes: what a reader of the numbers must know, such as training clips that are test clips.
        published: method -> protocol -> metric -> percent, as printed in papers.
    """

    title: ClassVar[str]
    citation: ClassVar[str]
    licence: ClassVar[str]
    source: ClassVar[str]
    encoders: ClassVar[str] = "published"
    audio_seconds: ClassVar[float] = 10.0
    size: ClassVar[int] = 224
    train_split: ClassVar[str] = "train"
    validation_split: ClassVar[str | None] = None
    test_splits: ClassVar[tuple[str, ...]] = ("test",)
    protocols: ClassVar[tuple[str, ...]] = ("val-threshold", "acl-sweep", "ezvsl-median")
    published: ClassVar[dict[str, dict[str, dict[str, float]]]] = {}
    needs_root: ClassVar[bool] = True

    def __init__(self, root: Path | None = None) -> None:
        self.notes: list[str] = []
        if self.needs_root:
            self.root = self._checked(root)

    @abstractmethod
    def split(self, name: str) -> Split:
        """Return one split, what is missing of it listed.

        Raises:
            DataError: no such split, or its list or annotation cannot be read.
        """

    def _checked(self, root: Path | None) -> Path:
        if root is None:
            raise DataError(f"{self.title} needs its folder: --data-root DIR.\n{self.source}")
        if not root.is_dir():
            raise DataError(f"There is no folder '{root}' for {self.title}.\n{self.source}")
        return root
