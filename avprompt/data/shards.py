"""Training from shards: any clip of a folder of tar files, found by an index of offsets.

Shards are plain WebDataset tars. The index gives what streaming through them cannot, clips in any order,
so that training from shards takes the same batches as training from files, and resumes in the same place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from avprompt.data.archive import ArchivedClip
from avprompt.errors import DataError
from avprompt.files import Shape, read_arrays, replacing
from avprompt.records import ArchiveMember, Missing, Sample, Split

INDEX = "index.npz"

# Of N clips in s archives and m that are missing: picture and sound have names, and spans of offset and size.
SHAPES: dict[str, Shape] = {
    "archives": ("s",),
    "bytes": ("s",),
    "ids": ("N",),
    "labels": ("N",),
    "shards": ("N",),
    "names": ("N", 2),
    "spans": ("N", 2, 2),
    "missing": ("m", 2),
    "expected": (),
}


class ShardSamples(Sequence[Sample]):
    """The clips of some shards, without annotation; pictures and sounds are members of archives."""

    def __init__(self, folder: Path, index: Mapping[str, np.ndarray]) -> None:
        """Take the index of a folder of shards, as `write_index` describes it."""
        self.archives = [folder / str(name) for name in index["archives"]]
        self.ids, self.labels, self.shards = index["ids"], index["labels"], index["shards"]
        self.names, self.spans = index["names"], index["spans"]

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, place: Any) -> Any:
        """Return the clip at a place in the split."""
        if isinstance(place, slice):
            return [self[k] for k in range(*place.indices(len(self)))]
        archive = self.archives[self.shards[place]]
        picture, sound = (
            ArchiveMember(archive, str(name), int(offset), int(size))
            for name, (offset, size) in zip(self.names[place], self.spans[place], strict=True)
        )
        return Sample(str(self.ids[place]), picture, sound, label=str(self.labels[place]))


def read_shards(folder: Path) -> Split:
    """Open a folder that `avprompt data shard` has filled, as the split that it was made of.

    Raises:
        DataError: the folder is not finished, or a shard is missing or cut off.
    """
    if not (folder / INDEX).is_file():
        raise DataError(
            f"'{folder}' holds no finished shards: there is no {INDEX} in it. Make or finish them with "
            "`avprompt data shard`."
        )
    try:
        index = read_arrays(folder / INDEX, SHAPES)
    except DataError as error:
        raise DataError(f"{error} Remove it and shard again.") from error
    for name, size in zip(index["archives"], index["bytes"], strict=True):
        path = folder / str(name)
        present = path.stat().st_size if path.is_file() else 0
        if present != size:
            raise DataError(f"'{path}' has {present} bytes instead of {size}. Copy or make it again.")
    missing = tuple(Missing(str(name), str(reason)) for name, reason in index["missing"])
    return Split(ShardSamples(folder, index), int(index["expected"]), missing)


def write_index(
    folder: Path, shards: Mapping[Path, Sequence[ArchivedClip]], missing: Sequence[Missing], expected: int
) -> None:
    """Write where everything is, and the split's missing clips and expected count; see `SHAPES`."""
    clips = [(k, clip) for k, shard in enumerate(shards.values()) for clip in shard]
    members = [member for _, clip in clips for member in (clip.picture, clip.sound)]
    spans = [(member.offset, member.size) for member in members]
    with replacing(folder / INDEX) as temporary, temporary.open("wb") as file:
        np.savez_compressed(
            file,
            archives=np.array([path.name for path in shards], dtype=np.str_),
            bytes=np.array([path.stat().st_size for path in shards], dtype=np.int64),
            ids=np.array([clip.id for _, clip in clips], dtype=np.str_),
            labels=np.array([clip.label for _, clip in clips], dtype=np.str_),
            shards=np.array([k for k, _ in clips], dtype=np.int32),
            names=np.array([member.name for member in members], dtype=np.str_).reshape(-1, 2),
            spans=np.array(spans, dtype=np.int64).reshape(-1, 2, 2),
            missing=np.array([(clip.id, clip.reason) for clip in missing], dtype=np.str_).reshape(-1, 2),
            expected=np.array(expected),
        )
