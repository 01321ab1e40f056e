"""Compact precision: float16 where all values fit, float32 where they do not.

Features are rounded so before their first use too, so that a hit gives the numbers of the miss before it.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor


def compact(tensor: Tensor) -> Tensor:
    """Round to float16, or keep float32 when a value overflows."""
    half = tensor.detach().half()
    return half if bool(half.isfinite().all()) else tensor.detach().float()


def pack(tensors: Mapping[str, Tensor]) -> bytes:
    """Return tensors as a safetensors file that holds a checksum of their names, shapes and bytes."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    return save(plain, metadata={"crc32": str(_checksum(*_parts(save(plain))))})


def unpack(data: bytes) -> dict[str, Tensor] | None:
    """Return what was packed, or None where the bytes are not all as they were."""
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
