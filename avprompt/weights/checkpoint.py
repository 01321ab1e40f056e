"""Checkpoints: the trained parts of a method, and the state that lets training go on."""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import torch
from safetensors.torch import load_file
from torch import Tensor

from avprompt.errors import WeightsError, listed
from avprompt.files import replacing
from avprompt.model.finite import not_finite
from avprompt.model.method import Method
from avprompt.registry import Registry
from avprompt.weights.tensors import read_metadata, read_torch_file, write_tensors


class CheckpointFormat(ABC):
    """Somebody else's checkpoint format, turned into ours and back. Built without arguments.

    Attributes:
        method: the method that such files belong to.
        endings: of the files' names.
    """

    method: ClassVar[str]
    endings: ClassVar[tuple[str, ...]]

    @abstractmethod
    def read(self, path: Path) -> dict[str, Tensor]:
        """Return the trained parts as `trained_state` names them.

        Raises:
            WeightsError: not a file of this format.
        """

    @abstractmethod
    def write(self, state: Mapping[str, Tensor], path: Path) -> None:
        """Write trained parts in this format."""


def checkpoint_formats(registry: Registry) -> dict[str, CheckpointFormat]:
    """Return every registered format by its name."""
    kind = "checkpoint_formats"
    return {name: registry.load(kind, name)() for name in registry.names(kind)}


def trained_state(method: Method) -> dict[str, Tensor]:
    """Return the state of the trained parts, by `part.parameter`."""
    return {
        f"{name}.{key}": value.detach().cpu().contiguous()
        for name, part in method.trained_parts().items()
        for key, value in part.state_dict().items()
    }


def save_checkpoint(method: Method, path: Path, metadata: Mapping[str, str]) -> str:
    """Write the trained parts as safetensors with what they belong to; never half a file.

    Returns:
        The SHA-256 of the file: equal parts of equal runs make equal files.
    """
    return write_tensors(path, trained_state(method), metadata)


def checkpoint_metadata(path: Path) -> dict[str, str]:
    """Return what a checkpoint of ours says of itself.

    Raises:
        WeightsError: no such file, or not a safetensors file.
    """
    if not path.exists():
        raise WeightsError(
            f"There is no checkpoint '{path}'. `avprompt weights list` shows published ones and their place."
        )
    return read_metadata(path, "a checkpoint of avprompt (safetensors)")


def load_checkpoint(
    method: Method, path: Path, formats: Mapping[str, CheckpointFormat] = {}
) -> dict[str, str]:
    """Load trained parts into a method, from our format or one of the `formats` given; returns the metadata.

    Raises:
        WeightsError: missing, damaged, or the checkpoint of another method.
    """
    for other in formats.values():
        if path.suffix in other.endings and path.is_file():
            state, metadata = other.read(path), {"method": other.method}
            break
    else:
        metadata = checkpoint_metadata(path)
        state = load_file(path)
    load_state(method, state, f"The checkpoint '{path}'", metadata.get("method", "another method"))
    return metadata


def load_state(method: Method, state: Mapping[str, Tensor], what: str, owner: str = "another method") -> None:
    """Put trained parts into a method, all of them or none.

    Args:
        method: whose trained parts are filled.
        state: as `trained_state` names it.
        what: the state is, for messages.
        owner: the method that it belongs to, for messages.

    Raises:
        WeightsError: names or shapes that do not fit, or NaN; nothing is changed then.
    """
    expected = trained_state(method)
    misfits = sorted(expected.keys() ^ state.keys()) or [
        f"{name} {tuple(state[name].shape)} instead of {tuple(tensor.shape)}"
        for name, tensor in expected.items()
        if tensor.shape != state[name].shape
    ]
    if misfits:
        raise WeightsError(
            f"{what} belongs to {owner} or to other options. No fit: {listed(misfits)}. "
            "Use the method, encoder set and --set options that it was trained with."
        )
    if spoilt := not_finite(method, state):
        raise WeightsError(
            f"{what} holds NaN or infinity in {listed(spoilt)}, and would spoil every map. "
            "Use an earlier one, or train again."
        )
    for name, part in method.trained_parts().items():
        part.load_state_dict({key: state[f"{name}.{key}"] for key in part.state_dict()})


def save_training_state(path: Path, state: Mapping[str, Any]) -> None:
    """Write everything that `--resume` needs as one file; never half a file.

    Raises:
        OSError: it cannot be written.
    """
    content = io.BytesIO()
    torch.save(dict(state), content)  # which says no more than "write failed" of a file
    with replacing(path) as temporary:
        temporary.write_bytes(content.getbuffer())


def load_training_state(path: Path) -> dict[str, Any]:
    """Read what `save_training_state` wrote, without running anything in it.

    Raises:
        WeightsError: the file is missing or damaged.
    """
    if not path.exists():
        raise WeightsError(f"There is nothing to resume: '{path}' does not exist.")
    state: dict[str, Any] = read_torch_file(path, "the state of a training run", mmap=False)
    return state
