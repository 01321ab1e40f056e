"""VGG-SS, the VGG-Sound Source benchmark, in the layout that EZ-VSL, SLAVC, FNAC and ACL-SSL share."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from avprompt.benchmark import BenchmarkAdapter
from avprompt.errors import DataError
from avprompt.records import GroundTruth, Missing, Sample, Split
from avprompt_benchmarks.boxes import union_of_boxes
from avprompt_benchmarks.lists import Listed, first_existing, read_list

IMAGE_ENDINGS = (".jpg", ".jpeg", ".png")
TRAINING_LISTS = ("vggss_144k.txt", "vggss_144k.csv", "vggss_10k.txt", "vggss_10k.csv")


class VGGSS(BenchmarkAdapter):
    """One frame, its 10 s of sound, and boxes around what sounds."""

    title = "VGG-SS"
    citation = "Chen et al., Localizing Visual Sounds the Hard Way, CVPR 2021, arXiv 2104.02691"
    licence = "annotations CC BY 4.0; the videos belong to their authors on YouTube"
    source = (
        "Expected layout of the data root:\n"
        "  vggss.json            the official annotation, from the authors' repository\n"
        "                        hche11/Localizing-Visual-Sounds-the-Hard-Way\n"
        "  vggss_test.csv        ids to score, one a line, optional: all annotated clips without it\n"
        "  frames/<id>.jpg       the 125th frame of the 25 fps video\n"
        "  audio/<id>.wav        10 s, 16 kHz mono\n"
        "  vggss_144k.txt        ids to train on, optional: the test clips without it (no labels are used)"
    )

    def split(self, name: str) -> Split:
        """Return `test`, or `train`: the training list of the data root."""
        if name == "test":
            return self._present(self._test_list, truths=True)
        if name == "train":
            return self._present(self._training_list(), truths=False)
        raise DataError(f"{self.title} has no split '{name}'; it has train and test.")

    @cached_property
    def _annotation(self) -> dict[str, dict[str, Any]]:
        path = self.root / "vggss.json"
        try:
            return {entry["file"]: entry for entry in json.loads(path.read_text(encoding="utf-8"))}
        except FileNotFoundError as error:
            raise DataError(f"{self.title}: '{path}' is missing.\n{self.source}") from error
        except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
            raise DataError(f"{self.title}: '{path}' is not the official annotation: {error!r}") from error

    @cached_property
    def _test_list(self) -> list[Listed]:
        path = first_existing(self.root, ("vggss_test.csv", "vggss_test.txt"))
        listed = read_list(path) if path else [Listed(name) for name in self._annotation]
        return [
            Listed(one.id, str(self._annotation.get(one.id, {}).get("class", one.label))) for one in listed
        ]

    def _training_list(self) -> list[Listed]:
        path = first_existing(self.root, TRAINING_LISTS)
        if path:
            return read_list(path)
        note = "no training list in the data root: trained on the test clips themselves (without labels)"
        if note not in self.notes:
            self.notes.append(note)
        return self._test_list

    def _present(self, listed: list[Listed], *, truths: bool) -> Split:
        """Split the listed clips into those whose files are there and those to name as missing."""
        found, missing = [], []
        for one in listed:
            image = first_existing(self.root / "frames", tuple(one.id + ending for ending in IMAGE_ENDINGS))
            audio = self.root / "audio" / f"{one.id}.wav"
            if image is None:
                missing.append(Missing(one.id, f"no frame: frames/{one.id}.jpg is not there"))
            elif not audio.is_file():
                missing.append(Missing(one.id, f"no sound: audio/{one.id}.wav is not there"))
            elif truths and one.id not in self._annotation:
                missing.append(Missing(one.id, "vggss.json has no annotation of it"))
            else:
                boxes = self._annotation[one.id]["bbox"] if truths else None
                found.append(_Clip(one.id, one.label, image, audio, boxes))
        return Split(_Clips(found), len(listed), tuple(missing))


@dataclass(frozen=True)
class _Clip:
    id: str
    label: str
    image: Path
    audio: Path
    boxes: list[list[float]] | None


class _Clips(Sequence[Sample]):
    """Samples whose masks are drawn when they are asked for."""

    def __init__(self, clips: list[_Clip]) -> None:
        self.clips = clips

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, index: Any) -> Any:
        clip = self.clips[index]
        truth = None if clip.boxes is None else GroundTruth(union_of_boxes(clip.boxes))
        return Sample(clip.id, clip.image, clip.audio, truth, clip.label)
