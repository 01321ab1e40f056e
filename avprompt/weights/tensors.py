"""Reading tensors from files, never by unpickling objects, and putting them into modules."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from avprompt.errors import WeightsError


def read_tensors(path: Path, prefix: str = "") -> dict[str, Tensor]:
    """Return the tensors of a file whose names begin with `prefix`, which is cut off.

    Args:
        path: `.safetensors`, or a table of tensors that `torch.save` wrote.
        prefix: such as "decoder.".

    Raises:
        WeightsError: the file is damaged or holds more than tensors.
    """
    if path.suffix == ".safetensors":
        with _readable(path), safe_open(path, framework="pt") as file:
            names = [name for name in file.keys() if name.startswith(prefix)]
            return {name.removeprefix(prefix): file.get_tensor(name) for name in names}
    state = read_object(path)
    if not isinstance(state, dict):
        raise WeightsError(f"'{path}' cannot be read as weights: it holds no table of tensors.")
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}


def read_metadata(path: Path) -> dict[str, str]:
    """Return the words in the header of a `.safetensors` file.

    Raises:
        WeightsError: the file is damaged.
    """
    with _readable(path), safe_open(path, framework="pt") as file:
        return dict(file.metadata() or {})


def read_object(path: Path) -> Any:
    """Return what `torch.save` wrote: tensors in plain containers, mapped from the file until used.

    Raises:
        WeightsError: the file is damaged, or asks for code to be run.
    """
    with _readable(path):
        try:
            return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        except RuntimeError as error:
            if "mmap" not in str(error):
                raise
            return torch.load(path, map_location="cpu", weights_only=True)  # the format before torch 1.6


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
        reasons = [line.strip() for line in str(error).splitlines()[1:]]
        raise WeightsError(f"'{source}' does not fit this architecture. {' '.join(reasons)[:400]}") from error


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, ValueError, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise WeightsError(f"'{path}' cannot be read as weights: {reason}") from error
