"""Features on disk: one file an entry, written whole, bounded in size.

An entry lies at `<kind>/<fingerprint>/<2 letters>/<content>.safetensors`; beside the folders of letters
`about.json` says what the fingerprint is of. Several processes may read and write at once, and die.
Values are float16 where all of them fit, float32 where they do not. Features are rounded so before their
first use too, so that a hit gives the numbers of the miss before it.
"""

from __future__ import annotations

import json
import os
import shutil
import time
import warnings
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from avprompt.errors import DataError
from avprompt.features.quota import SUFFIX, Quota, walk
from avprompt.files import file_errors, replacing

ABOUT = "about.json"


@dataclass(frozen=True)
class DiskUsage:
    """The entries of one encoder in a store.

    Attributes:
        kind: what is encoded, `audio` or `images`.
        fingerprint: of the encoder.
        about: which encoder that is, in words.
        entries: how many there are.
        size: what they take, bytes.
    """

    kind: str
    fingerprint: str
    about: str
    entries: int
    size: int


@dataclass
class FeatureStore:
    """A folder of features.

    Attributes:
        folder: made when the first entry comes.
        limit_bytes: what all entries may take together.
        opened: when this run began, nanoseconds since the epoch; what it has used is not evicted.
    """

    folder: Path
    limit_bytes: int
    opened: int = field(default_factory=time.time_ns)
    _quota: Quota | None = field(default=None, init=False, repr=False, compare=False)
    _failed: bool = field(default=False, init=False, repr=False, compare=False)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the count of the folder behind: workers only read."""
        return self.__dict__ | {"_quota": None}

    def get(self, key: str) -> dict[str, Tensor] | None:
        """Return an entry, or None where there is none; a damaged one is removed."""
        path = self._path(key)
        try:
            data = path.read_bytes()
        except OSError:
            return None
        tensors = deserialise(data)
        if tensors is None:
            path.unlink(missing_ok=True)
        else:
            _touch(path)
        return tensors

    def put(self, key: str, tensors: Mapping[str, Tensor]) -> bool:
        """Keep an entry, if the limit allows it; says whether it is kept now.

        A folder that cannot be written to is no reason to end a run: a warning tells of it, once.
        """
        return self._unless_failed(lambda: self._put(self._path(key), tensors))

    def write_about(self, kind: str, fingerprint: str, about: str) -> None:
        """Write down in words which encoder a fingerprint is of; warns as `put` does."""
        self._unless_failed(lambda: _write_about(self.folder / kind / fingerprint / ABOUT, about))

    def _put(self, path: Path, tensors: Mapping[str, Tensor]) -> bool:
        if path.exists():
            return True
        if self._quota is None:
            self._quota = Quota(self.folder, self.limit_bytes, self.opened)
        data = serialise(tensors)
        return self._quota.reserve(len(data)) and _write(path, data)

    def _unless_failed(self, write: Callable[[], bool]) -> bool:
        """Write, and say whether that went well; warn, once, where it did not, and write no more."""
        if self._failed:
            return False
        try:
            with file_errors():
                return write()
        except (OSError, DataError) as error:
            self._failed = True
            advice = "AVPROMPT_HOME says where they are kept."
            warnings.warn(f"No more features are kept in '{self.folder}'. {error} {advice}", stacklevel=3)
            return False

    def usage(self) -> list[DiskUsage]:
        """Return what each encoder's entries take."""
        return [_usage(folder) for folder in sorted(self.folder.glob("*/*")) if folder.is_dir()]

    def clear(self) -> None:
        """Remove everything; other processes may go on and fill it again."""
        for folder in self.folder.glob("*"):
            shutil.rmtree(folder, ignore_errors=True)
        self._quota = None

    def _path(self, key: str) -> Path:
        start, _, content = key.rpartition("/")
        return self.folder / start / content[:2] / f"{content}{SUFFIX}"


def _write(path: Path, data: bytes) -> bool:
    with replacing(path, durable=False) as temporary:
        temporary.write_bytes(data)
        _touch(temporary)
    return True


def _write_about(path: Path, about: str) -> bool:
    if not path.is_file():
        with replacing(path) as temporary:
            temporary.write_text(json.dumps({"about": about}, indent=2) + "\n", encoding="utf-8")
    return True


def _touch(path: Path) -> None:
    """Mark as used now, by this machine's clock: that of a file server, or of the kernel, may be behind."""
    now = time.time_ns()
    try:
        os.utime(path, ns=(now, now))
    except OSError:
        pass  # evicted meanwhile, or not ours to mark


def _usage(folder: Path) -> DiskUsage:
    sizes = [stat.st_size for path, stat in walk(folder) if path.name.endswith(SUFFIX)]
    try:
        about = str(json.loads((folder / ABOUT).read_text(encoding="utf-8"))["about"])
    except (OSError, ValueError, KeyError, TypeError):
        about = "unknown"
    return DiskUsage(folder.parent.name, folder.name, about, len(sizes), sum(sizes))


def compact(tensor: Tensor) -> Tensor:
    """Round to float16, or keep float32 when a value overflows."""
    half = tensor.detach().half()
    return half if bool(half.isfinite().all()) else tensor.detach().float()


def serialise(tensors: Mapping[str, Tensor]) -> bytes:
    """Return tensors as a safetensors file that holds a checksum of their names, shapes and bytes."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    return save(plain, metadata={"crc32": str(_checksum(*_parts(save(plain))))})


def deserialise(data: bytes) -> dict[str, Tensor] | None:
    """Return the tensors of such a file, or None where its bytes are not all as they were."""
    try:
        about, values = _parts(data)
        if about.pop("__metadata__")["crc32"] != str(_checksum(about, values)):
            return None
        return load(data)
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _parts(data: bytes) -> tuple[dict[str, Any], memoryview]:
    """Split a safetensors file: 8 bytes of length, a header of that length, the bytes of the tensors."""
    start = 8 + int.from_bytes(data[:8], "little")
    return json.loads(data[8:start]), memoryview(data)[start:]


def _checksum(about: Mapping[str, Any], values: memoryview) -> int:
    return zlib.crc32(values, zlib.crc32(json.dumps(about, sort_keys=True).encode()))
