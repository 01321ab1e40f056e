"""The interface of benchmarks: where samples come from, and what may be said of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, TypeVar

from avprompt.errors import DataError
from avprompt.records import GroundTruth, Sample, Split

Source = TypeVar("Source")
Item = TypeVar("Item")


@dataclass(frozen=True)
class BoxCounts:
    """What an annotation holds, of one sample or of many together.

    Attributes:
        samples: that are annotated.
        boxes: that are drawn, broken ones among them.
        garbage: boxes whose numbers mean nothing.
        degenerate: boxes without width or height, which most garbage ones are too.
        unmarked: samples whose boxes, all broken, mark nothing.
    """

    samples: int = 0
    boxes: int = 0
    garbage: int = 0
    degenerate: int = 0
    unmarked: int = 0

    def __add__(self, other: BoxCounts) -> BoxCounts:
        return BoxCounts(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True)
class Annotation:
    """The official annotation of one sample; no media is needed to know it.

    Attributes:
        id: of the sample.
        truth: what the ground-truth rule makes of it.
        counts: its boxes, where it has any.
        sounding: as in `Sample`; a truth may mark nothing where nothing that is visible sounds.
    """

    id: str
    truth: GroundTruth
    counts: BoxCounts = BoxCounts(samples=1)
    sounding: bool = True


@dataclass(frozen=True)
class Media:
    """What a benchmark's files are like, and how they are made of its videos.

    Attributes:
        rate: of the sounds, Hz; None where it may be any.
        seconds: length of the sounds, and of the videos that they are made of; None where it may be any.
        size: of the pictures, (width, height) in pixels; None where it may be any.
        frame: the annotated frame of each video, counted from 0; None where the benchmark is not made of
            videos, or comes with its pictures.
        frame_rate: frames per second in which `frame` is counted, as if the videos were re-encoded.
        shared_sounds: one recording may be the sound of several clips, each with a file of its own.
        image: where the picture of a clip belongs under the data root.
        audio: where its sound belongs.
    """

    rate: int | None = None
    seconds: float | None = None
    size: tuple[int, int] | None = None
    frame: int | None = None
    frame_rate: float = 25.0
    shared_sounds: bool = False
    image: str = "frames/{id}.jpg"
    audio: str = "audio/{id}.wav"


@dataclass(frozen=True)
class PublishedScores:
    """Numbers of one method as they were printed.

    They belong beside a run of this composition, with these encoders, on the whole split, and no other run.

    Attributes:
        method: as avprompt names it, or as its paper does.
        trained_on: what the paper says it was trained on.
        split: test split of the benchmark.
        protocol: under which the numbers were made, as far as is known.
        scores: percent, by metric.
        evidence: `verified` where the authors' own table was read, `secondary` where somebody quotes it.
        source: where the numbers were read.
        composition: the registered method, then the options in which the printed one differs from it, as
            `--set` takes them: `("souple", "prompt.context_tokens=8")`. Empty where no plugin has the method.
        encoders: the encoder set that it is printed for.
    """

    method: str
    trained_on: str
    split: str
    protocol: str
    scores: Mapping[str, float]
    evidence: Literal["verified", "secondary"]
    source: str
    composition: tuple[str, ...] = ()
    encoders: str = "published"


class BenchmarkAdapter(ABC):
    """A benchmark: its splits in the official layout, its citation, and how to get the data.

    Attributes:
        title: the benchmark's name in prose.
        citation: the paper to cite.
        licence: of annotations and media.
        source: how to get the data, and the folder layout that `root` must have.
        ground_truth: the rule that makes a mask of the annotation.
        coordinates: what the annotation's numbers mean.
        broken_boxes: what becomes of boxes that mark nothing.
        empty_truths: whether truths that mark nothing, or a few pixels, belong to the benchmark also where
            something in the picture sounds.
        expected: how many samples the official list of a split names.
        box_counts: what the official annotation of a split holds; broken boxes among it are known ones. Only
            for boxes: a number of masks would not tell official ones from others.
        media: what the files are like.
        encoders: default encoder set.
        audio_seconds: how much of each clip's sound is used, from its start.
        size: side of the square map that is scored, pixels.
        train_split: what methods are trained on.
        validation_split: where thresholds are chosen; None where the benchmark has none.
        test_splits: what is scored, the first one is the headline.
        drawn_split: whose clips are all drawn after scoring, truth or not; None where the tables are enough.
        protocols: registered names of the protocols that apply, the first one is the headline; what they need
            beyond the fields of `Sample` stands in `Sample.extra`.
        published: numbers of papers, to stand beside ours.
        needs_root: False where samples are made on the fly.
        root: the folder of the data, where one is needed.
        notes: what a reader of the numbers must know, such as training clips that are test clips.
    """

    title: ClassVar[str]
    citation: ClassVar[str]
    licence: ClassVar[str]
    source: ClassVar[str]
    ground_truth: ClassVar[str] = "as the benchmark draws it"
    coordinates: ClassVar[str] = "none: the truth is a mask"
    broken_boxes: ClassVar[str] = "none: the truth is a mask"
    empty_truths: ClassVar[bool] = False
    expected: ClassVar[Mapping[str, int]] = {}
    box_counts: ClassVar[Mapping[str, BoxCounts]] = {}
    media: ClassVar[Media] = Media()
    encoders: ClassVar[str] = "published"
    audio_seconds: ClassVar[float] = 10.0
    size: ClassVar[int] = 224
    train_split: str = "train"
    validation_split: str | None = None
    test_splits: tuple[str, ...] = ("test",)
    drawn_split: str | None = None
    protocols: ClassVar[tuple[str, ...]] = ("val-threshold",)
    published: ClassVar[Sequence[PublishedScores]] = ()
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

    def annotations(self, split: str) -> Sequence[Annotation]:
        """Return what is annotated of every sample that a test split names, its media there or not.

        Raises:
            DataError: no such split, or its list or annotation cannot be read.
        """
        return LazySequence(self.split(split).samples, _annotation)

    @staticmethod
    def spell(name: str) -> str:
        """Return an id as this benchmark spells it, or as it is where it is none of the benchmark's."""
        return name

    def _checked(self, root: Path | None) -> Path:
        if root is None:
            raise DataError(
                f"{self.title} needs its folder: --data-root DIR (data_root=DIR in Python).\n{self.source}"
            )
        if not root.is_dir():
            raise DataError(f"There is no folder '{root}' for {self.title}.\n{self.source}")
        return root


class LazySequence(Sequence[Item], Generic[Source, Item]):
    """Items that are made of others, one by one, each time that one is asked for."""

    def __init__(self, sources: Sequence[Source], make: Callable[[Source], Item]) -> None:
        self.sources, self.make = sources, make

    def __len__(self) -> int:
        return len(self.sources)

    def __getitem__(self, index: Any) -> Any:
        """Make one item, or the list of those of a slice."""
        if isinstance(index, slice):
            return [self.make(source) for source in self.sources[index]]
        return self.make(self.sources[index])


def _annotation(sample: Sample) -> Annotation:
    if sample.truth is None:
        raise DataError(f"'{sample.id}' is not annotated.")
    return Annotation(sample.id, sample.truth, sounding=sample.sounding)
