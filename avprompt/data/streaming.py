"""Training from WebDataset shards that are read from their beginning to their end: over HTTP, or from a pipe.

Shards of a folder are better trained from by their index, see `avprompt.data.shards`: that gives the batches
of training from files, and resumes in the same place. A stream is shuffled in a buffer as it flows by; what
resumes goes on at its step, with the clips in a new order.
"""

from __future__ import annotations

import json
import random
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import count, islice
from typing import Any

import numpy as np
import soundfile
from PIL import Image
from torch.utils.data import IterableDataset, get_worker_info

from avprompt.config.training_options import TrainingOptions
from avprompt.data.loader import Reader, read_or_missing
from avprompt.distributed import Ranks
from avprompt.errors import ConfigError, DataError
from avprompt.records import Missing, Sample, Split, StreamedFile

BUFFER = 1000
"""Clips that wait in each reading process to be drawn at random; some 300 MB of files."""
_DECODED_BY_FFMPEG = {"aac", "m4a", "mp4", "opus", "webm", "wma"}


@dataclass(frozen=True)
class Stream(Sequence[Sample]):
    """Clips that come in an order of their own, as long as somebody takes them.

    Attributes:
        shards: addresses of tars, as WebDataset opens them: files, `http://...`, `pipe:command`.
        clips: how many are taken; a shard that has been read is read again in the next pass.
        buffer: clips among which the next is drawn.
    """

    shards: tuple[str, ...]
    clips: int
    buffer: int = BUFFER

    def __len__(self) -> int:
        return self.clips

    def __getitem__(self, place: Any) -> Any:
        """Refuse: a stream has no places."""
        raise TypeError("The clips of a stream come in their own order; they cannot be asked for by place.")


def is_stream(shards: str) -> bool:
    """Say whether `--shards` names what is streamed, rather than a folder."""
    return "{" in shards or "://" in shards or shards.startswith("pipe:")


def stream_split(shards: str, training: TrainingOptions) -> Split:
    """Return a stream as a split of as many clips as training takes.

    Raises:
        ConfigError: training is to go on for so many epochs.
    """
    if training.steps is None:
        raise ConfigError("Nobody has counted the clips of a stream: give --steps N with --shards PATTERN.")
    clips = training.steps * training.accumulate * training.batch_size
    return Split(open_stream(shards, clips), expected=clips)


def open_stream(shards: str, clips: int) -> Stream:
    """Return the stream of a pattern such as `http://host/train-{000000..000143}.tar`.

    Raises:
        ConfigError: the pattern cannot be expanded.
    """
    from webdataset.shardlists import expand_urls

    try:
        return Stream(tuple(expand_urls(shards)), clips)
    except ValueError as error:
        raise ConfigError(f"--shards {shards}: {error}. A pattern is train-{{00..09}}.tar.") from error


@dataclass(frozen=True)
class StreamDataset(IterableDataset[Any]):
    """A rank's share of the batches of a stream, without end, read by as many workers as there are.

    Attributes:
        stream: what to read.
        read: reads and augments one clip.
        collate: makes a batch of items.
        share: clips of a batch.
        seed: of the order; other parts of one training take others.
        ranks: each reads shards of its own.
    """

    stream: Stream
    read: Reader
    collate: Callable[[list[Any]], Any]
    share: int
    seed: Sequence[int]
    ranks: Ranks

    def workers(self, asked: int) -> int:
        """Return how many processes may read: as asked, but no more than have a shard each.

        Raises:
            ConfigError: there are more ranks than shards.
        """
        if len(self.stream.shards) < self.ranks.size:
            raise ConfigError(
                f"--shards names {len(self.stream.shards)} shards for {self.ranks.size} processes; each "
                "reads its own. Make more shards, or start fewer processes."
            )
        return min(asked, len(self.stream.shards) // self.ranks.size)

    def __iter__(self) -> Iterator[Any]:
        """Yield batches."""
        items = (item for number in count() for item in self._pass(number))
        while True:
            yield self.collate(list(islice(items, self.share)))

    def _pass(self, number: int) -> Iterator[tuple[int, object]]:
        """Yield the items of this worker's shards, which are others in every pass."""
        worker = get_worker_info()
        place, workers = (worker.id, worker.num_workers) if worker else (0, 1)
        shuffled = np.random.default_rng([*self.seed, number]).permutation(len(self.stream.shards))
        own = shuffled[self.ranks.rank :: self.ranks.size][place::workers]
        draw = random.Random(repr((*self.seed, number, self.ranks.rank, place)))
        for files in _clips([self.stream.shards[k] for k in own], self.stream.buffer, draw):
            yield self._item(files, number)

    def _item(self, files: dict[str, Any], number: int) -> tuple[int, object]:
        """Read a clip; what is drawn for it depends on seed, pass and key alone."""
        index = zlib.crc32(files["__key__"].encode())
        try:
            return index, read_or_missing(self.read, _sample(files), number, index)
        except DataError as error:
            return index, Missing(files["__key__"], str(error))


def _sample(files: dict[str, Any]) -> Sample:
    """Make a sample of the files of one key: a picture, a sound and, in our shards, id and label.

    Args:
        files: bytes by suffix, and `__key__`.

    Raises:
        DataError: there is no picture or no sound, or id and label cannot be read.
    """
    key = files["__key__"]
    try:
        about = json.loads(files.get("json", b"{}"))
        name, label = str(about.get("id", key)), str(about.get("label", ""))
    except (ValueError, AttributeError):
        raise DataError(f"{key}.json does not hold the id and label of a clip.") from None
    picture = _streamed_file(files, _picture_suffixes(), "picture")
    sound = _streamed_file(files, _sound_suffixes(), "sound")
    return Sample(name, picture, sound, label=label)


def _streamed_file(files: dict[str, Any], suffixes: set[str], kind: str) -> StreamedFile:
    for suffix, data in files.items():
        if suffix.lower() in suffixes:
            return StreamedFile(f"{files['__key__']}.{suffix}", data)
    raise DataError(f"{files['__key__']} holds no {kind}.")


@cache
def _picture_suffixes() -> set[str]:
    return {suffix[1:] for suffix in Image.registered_extensions()}


@cache
def _sound_suffixes() -> set[str]:
    return {name.lower() for name in soundfile.available_formats()} | _DECODED_BY_FFMPEG


def _clips(shards: Sequence[str], buffer: int, draw: random.Random) -> Iterator[dict[str, Any]]:
    """Yield the clips of shards in random order, each as its files by suffix."""
    import webdataset

    clips = (clip for shard in shards for clip in _read_shard(shard))
    try:
        yield from webdataset.shuffle(buffer, initial=buffer, rng=draw)(clips)
    except Exception as error:  # whatever a tar, a pipe or a network raises
        raise DataError(f"A shard cannot be read: {error}. Try again, or get it again.") from error


def _read_shard(shard: str) -> Iterator[dict[str, Any]]:
    """Yield the clips of one shard."""
    from webdataset.gopen import gopen
    from webdataset.tariterators import group_by_keys, tar_file_expander

    stream = gopen(shard)
    try:
        yield from group_by_keys(tar_file_expander([{"url": shard, "stream": stream}]))
        while stream.read(1 << 16):
            pass  # only at its end does a pipe tell whether it has failed
        stream.close()
    finally:
        with suppress(OSError):  # that a pipe was left early is no error
            stream.close()
