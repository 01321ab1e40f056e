"""Compact precision: float16 where all values fit, float32 where they do not.

Features are rounded so before their first use too, so that a hit gives the numbers of the miss before it.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor


def compact(tensor: Tensor) -> Tensor:
    """Round to float16, or keep float32 when a value overflows."""
    half = tensor.detach().half()
    return half if bool(half.isfinite().all()) else tensor.detach().float()


def pack(tensors: Mapping[str, Tensor]) -> bytes:
    """Return tensors as a safetensors file that holds a checksum of their bytes."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    return save(plain, metadata={"crc32": str(_checksum(save(plain)))})


def unpack(data: bytes) -> dict[str, Tensor] | None:
    """Return what was packed, or None where the bytes are not all as they were."""
    try:
        header = json.loads(data[8 : _start(data)])
        if header["__metadata__"]["crc32"] != str(_checksum(data)):
            return None
        return load(data)
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _start(data: bytes) -> int:
    """Return where tensors begin: behind 8 bytes of length and a header of that length."""
    return 8 + int.from_bytes(data[:8], "little")


def _checksum(data: bytes) -> int:
    return zlib.crc32(memoryview(data)[_start(data) :])
