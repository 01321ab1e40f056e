"""Training on the lists that the field's repositories publish."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from avprompt.plugin import DataError, ListedClip, read_list, suggest
from avprompt_benchmarks.clips import Clip, ListedBenchmark
from avprompt_benchmarks.files import Files, check_names, find_annotation

LISTS = (".txt", ".csv", ".tsv", ".json")


class ListTrained(ListedBenchmark):
    """Base of benchmarks with training lists.

    The split `train` is the first list that the data root has; `train-10k` and the like name one; and any
    other name that ends in .txt, .csv, .tsv or .json is a list in the data root, or a path to one.

    Attributes:
        training_lists: split -> file names of its list.
        scored: the splits with an annotation; without any list, methods train on the clips of the first
            one, whose annotation they never see.
    """

    training_lists: ClassVar[Mapping[str, tuple[str, ...]]]
    scored: ClassVar[tuple[str, ...]] = ("test",)

    @abstractmethod
    def test_clips(self, split: str) -> Sequence[Clip]:
        """Return the clips of a scored split."""

    @property
    @abstractmethod
    def training_frames(self) -> Files:
        """The pictures of clips to train on."""

    @abstractmethod
    def training_clip(self, listed: ListedClip) -> Clip:
        """Return the clip of a line of a training list."""

    def clips(self, split: str) -> Sequence[Clip]:
        """Return every clip that the list of a split names."""
        if split in self.scored:
            return self.test_clips(split)
        path = self._training_path(split)
        if path is None:
            self.note("no training list in the data root: trained on the test clips themselves, unlabelled")
            return [replace(clip, marks=None) for clip in self.test_clips(self.scored[0])]
        clips = [self.training_clip(listed) for listed in read_list(path).clips]
        check_names(path, [clip.id for clip in clips], self.training_frames.ids(), "a picture")
        self._note_leaks({clip.id for clip in clips}, path.name)
        return clips

    def _note_leaks(self, trained: set[str], name: str) -> None:
        """Tell how many test clips are trained on; no labels leak, but the clips do."""
        for split in self.test_splits:
            test = self.test_clips(split)
            leaked = sum(clip.id.partition("/")[0] in trained for clip in test)  # AVATAR's are clip/frame
            if leaked:
                self.note(f"{leaked} of {len(test)} clips of '{split}' are in the training list {name}")

    def _training_path(self, split: str) -> Path | None:
        if split == "train":
            names = tuple(name for files in self.training_lists.values() for name in files)
            return find_annotation(self.root, names)
        if Path(split).suffix in LISTS:
            named = find_annotation(self.root, (split,)) or Path(split)
            if not named.is_file():
                raise self.without(f"list '{split}'")
            return named
        if split not in self.training_lists:
            known = (*self.scored, "train", *self.training_lists)
            raise DataError(f"{self.title} has no split '{split}'. {suggest(split, known)}")
        path = find_annotation(self.root, self.training_lists[split])
        if path is None:
            raise self.without(f"{' or '.join(self.training_lists[split])} for '{split}'")
        return path
