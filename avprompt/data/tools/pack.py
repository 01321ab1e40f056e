"""Making shards of a split that is too large for a folder of small files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ValidationError

from avprompt.data.archive import clip_files, scan_archive, write_archive
from avprompt.data.shards import read_shards, write_index
from avprompt.data.tools.parallel import Counting, parallel_map, quietly
from avprompt.errors import DataError
from avprompt.files import locked, replacing, sweep
from avprompt.records import Missing, Sample, Split

MANIFEST = "shards.json"


class Manifest(BaseModel):
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
    """Write the shards that do not exist yet, then the index; returns the split as the shards hold it.

    The files of clips go in as they are. Shards are written whole or not at all, so that what was killed
    goes on where it was.

    Args:
        split: of clips to train on; what is annotated stays behind.
        folder: where to write.
        dataset: name of the benchmark.
        name: of the split.
        per_shard: clips in a file.
        workers: processes.
        counting: shows how many shards are written, those that existed before among them.

    Raises:
        ConfigError: another process writes to the folder.
        DataError: the folder holds shards of something else, or cannot be written to.
    """
    ids = [sample.id for sample in split.samples]
    digest = hashlib.sha256("\n".join(ids).encode()).hexdigest()
    manifest = Manifest(dataset=dataset, split=name, per_shard=per_shard, samples=len(ids), clips=digest)
    places = [range(len(ids))[start : start + per_shard] for start in range(0, len(ids), per_shard)]
    paths = {folder / f"{Path(name).stem}-{k:06d}.tar": inside for k, inside in enumerate(places)}
    try:
        with locked(folder / ".lock"):
            _claim(folder, manifest)
            sweep(folder, ".tar")
            todo = [
                Shard(path, tuple((k, split.samples[k]) for k in inside))
                for path, inside in paths.items()
                if not path.is_file()
            ]
            with counting("write shards", len(paths)) as advance:
                advance(len(paths) - len(todo))
                for _ in parallel_map(Shard.write, todo, workers):
                    advance(1)
            shards = {path: scan_archive(path) for path in paths}
            packed = {clip.id for clips in shards.values() for clip in clips}
            write_index(folder, shards, [*split.missing, *_left_out(split.samples, packed)], split.expected)
            return read_shards(folder)
    except OSError as error:
        raise DataError(f"'{folder}' cannot be written to: {error}") from error


def _claim(folder: Path, manifest: Manifest) -> None:
    """Make sure that the shards in a folder, if there are any, are those that are to be written."""
    path = folder / MANIFEST
    try:
        present = Manifest.model_validate_json(path.read_text()) if path.is_file() else None
    except ValidationError as error:
        raise DataError(f"'{path}' is not what avprompt has written. Choose another --output.") from error
    if present != manifest and (present is not None or any(folder.glob("*.tar"))):
        raise DataError(
            f"'{folder}' holds shards of other clips or sizes. Choose another --output, or remove it."
        )
    with replacing(path) as temporary:
        temporary.write_text(manifest.model_dump_json(indent=2) + "\n")


def _left_out(samples: Sequence[Sample], packed: set[str]) -> Iterator[Missing]:
    """Say of each clip that is in no shard what was wrong with it."""
    for sample in samples:
        if sample.id not in packed:
            try:
                clip_files(sample)
            except DataError as error:
                yield Missing(sample.id, str(error))
            else:
                yield Missing(sample.id, "it could not be read when the shards were made")
