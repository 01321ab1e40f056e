"""Making shards of a split that is too large for a folder of small files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ValidationError

from avprompt.data.archive import content, scan_archive, write_archive
from avprompt.data.shards import read_shards, write_index
from avprompt.data.tools.parallel import Counting, quietly, spread
from avprompt.errors import DataError
from avprompt.files import replacing, sweep
from avprompt.records import Missing, Sample, Split

ABOUT = "shards.json"


class About(BaseModel):
    """What a folder of shards is made of; `clips` is a digest of the ids in order."""

    dataset: str
    split: str
    per_shard: int
    samples: int
    clips: str


@dataclass(frozen=True)
class Shard:
    """A file to write, and its clips with their places in the split."""

    path: Path
    clips: tuple[tuple[int, Sample], ...]

    def write(self) -> None:
        """Write it, whole or not at all."""
        write_archive(self.path, self.clips)


def write_shards(
    split: Split,
    folder: Path,
    dataset: str,
    name: str,
    *,
    per_shard: int = 1000,
    workers: int = 1,
    counting: Counting = quietly,
) -> Split:
    """Write what shards are not there yet, then the index; returns the split as the shards hold it.

    The files of clips go in as they are. Shards are written whole or not at all, so that what was killed
    goes on where it was.

    Args:
        split: of clips to train on; what is annotated stays behind.
        folder: where to write.
        dataset: name of the benchmark.
        name: of the split.
        per_shard: clips in a file.
        workers: processes.
        counting: shows how many shards are written, those that were there among them.

    Raises:
        DataError: the folder holds shards of something else, or cannot be written to.
    """
    ids = [sample.id for sample in split.samples]
    clips = hashlib.sha256("\n".join(ids).encode()).hexdigest()
    _claim(folder, About(dataset=dataset, split=name, per_shard=per_shard, samples=len(ids), clips=clips))
    sweep(folder, ".tar")
    starts = range(0, len(ids), per_shard)
    paths = [folder / f"{Path(name).stem}-{k:06d}.tar" for k in range(len(starts))]
    todo = [
        Shard(path, tuple((k, split.samples[k]) for k in range(start, min(start + per_shard, len(ids)))))
        for path, start in zip(paths, starts, strict=True)
        if not path.is_file()
    ]
    with counting("write shards", len(paths)) as advance:
        advance(len(paths) - len(todo))
        for _ in spread(Shard.write, todo, workers):
            advance(1)
    packed = [scan_archive(path) for path in paths]
    inside = {clip.id for clips in packed for clip in clips}
    missing = [*split.missing, *_left_out(split.samples, inside)]
    write_index(folder, dict(zip(paths, packed, strict=True)), missing, split.expected)
    return read_shards(folder)


def _claim(folder: Path, about: About) -> None:
    """Make sure that the shards in a folder, if there are any, are those that are to be written."""
    path = folder / ABOUT
    try:
        there = About.model_validate_json(path.read_text()) if path.is_file() else None
    except ValidationError as error:
        raise DataError(f"'{path}' is not what avprompt has written. Choose another --output.") from error
    if there != about and (there is not None or any(folder.glob("*.tar"))):
        raise DataError(
            f"'{folder}' holds shards of other clips or sizes. Choose another --output, or remove it."
        )
    with replacing(path) as temporary:
        temporary.write_text(about.model_dump_json(indent=2) + "\n")


def _left_out(samples: Sequence[Sample], packed: set[str]) -> Iterator[Missing]:
    """Say of each clip that is in no shard what was wrong with it."""
    for sample in samples:
        if sample.id not in packed:
            try:
                content(sample)
            except DataError as error:
                yield Missing(sample.id, str(error))
            else:
                yield Missing(sample.id, "it could not be read when the shards were made")
