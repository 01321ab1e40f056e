"""Reading tensors from files, never by unpickling objects, and putting them into modules."""

from __future__ import annotations

import json
import os
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from avprompt.errors import WeightsError
from avprompt.files import replacing
from avprompt.weights.files import measured_sha256

SAFETENSORS = ".safetensors"
_SYSTEM_ERROR = re.compile(r"os error (\d+)")  # as safetensors reports it
_FOREIGN_OBJECT = re.compile(r"GLOBAL ([\w.]+)")  # as torch names what it refuses to unpickle


def read_tensors(path: Path, prefix: str = "") -> dict[str, Tensor]:
    """Return the tensors of a file whose names begin with `prefix`, which is cut off.

    Args:
        path: `.safetensors`, or a table of tensors that `torch.save` wrote.
        prefix: such as "decoder.".

    Raises:
        WeightsError: the file is damaged or holds more than tensors.
    """
    if path.suffix == SAFETENSORS:
        with _reading(path, "weights"), safe_open(path, framework="pt") as file:
            names = [name for name in file.keys() if name.startswith(prefix)]
            return {name.removeprefix(prefix): file.get_tensor(name) for name in names}
    state = read_torch_file(path)
    if not isinstance(state, dict):
        raise WeightsError(f"'{path}' cannot be read as weights: it holds no table of tensors.")
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}


def write_tensors(path: Path, state: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    """Write tensors, and words about them, as `.safetensors`; never half a file.

    Returns:
        The SHA-256 of the file. Equal tensors and words make equal files, byte for byte.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    with replacing(path) as temporary:
        try:
            save_file(tensors, temporary, dict(metadata))
        except SafetensorError as error:
            if number := _SYSTEM_ERROR.search(str(error)):  # such as a full disk
                raise OSError(int(number[1]), os.strerror(int(number[1]))) from error
            raise
        _sort_header(temporary)
        return measured_sha256(temporary)


def read_metadata(path: Path, what: str = "weights") -> dict[str, str]:
    """Return the words in the header of a `.safetensors` file.

    Args:
        path: of the file.
        what: it should be, for messages.

    Raises:
        WeightsError: the file is missing or damaged.
    """
    with _reading(path, what), safe_open(path, framework="pt") as file:
        return dict(file.metadata() or {})


def read_torch_file(path: Path, what: str = "weights", *, mmap: bool = True) -> Any:
    """Return what `torch.save` wrote: tensors in plain containers.

    Args:
        path: of the file.
        what: it should be, for messages.
        mmap: read tensors from the file when they are used, where its format allows (torch 1.6 and later).

    Raises:
        WeightsError: the file is missing or damaged, or holds objects, which could run code when read.
    """
    with _reading(path, what):
        return torch.load(path, map_location="cpu", weights_only=True, mmap=mmap and zipfile.is_zipfile(path))


def _sort_header(path: Path) -> None:
    """Put the words in the header in order; safetensors shuffles them anew for each file."""
    with path.open("r+b") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
        file.seek(8)
        compact = json.dumps(header, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
        file.write(compact.ljust(length))  # the tensors begin where they did


def fill(module: nn.Module, state: Mapping[str, Tensor], source: object) -> None:
    """Load a state dict that must fit exactly.

    Args:
        module: to be filled.
        state: by the module's names.
        source: where the tensors come from, for the message.

    Raises:
        WeightsError: a tensor is missing, left over, or of another shape.
    """
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        reasons = str(error).partition("\n")[2]
        raise WeightsError(
            f"'{source}' does not fit this architecture. {' '.join(reasons.split())[:400]}"
        ) from error


def reason_of(error: Exception) -> str:
    """Say in a few words of ours why a file cannot be read.

    What torch refuses to unpickle comes with its advice to switch that protection off; ours is another.
    """
    if isinstance(error, SafetensorError | RuntimeError | ValueError | OSError):
        return " ".join(str(error).split())[:400]
    if foreign := _FOREIGN_OBJECT.search(str(error)):
        return (
            f"it holds '{foreign[1]}', which could run code when it is read; only tensors, numbers, text, "
            "lists and tables are. Get it as .safetensors, or from where it was published."
        )
    return "it is damaged or of another format."


@contextmanager
def _reading(path: Path, what: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # safetensors and torch raise whatever the damage leads to
        raise WeightsError(f"'{path}' cannot be read as {what}: {reason_of(error)}") from error
