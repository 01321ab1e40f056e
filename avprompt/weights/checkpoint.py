"""Checkpoints: the trained parts of a method, and the state that lets training go on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from avprompt.errors import WeightsError
from avprompt.files import replacing
from avprompt.model.method import Method
from avprompt.registry import Registry


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


def checkpoint_formats(registry: Registry) -> list[CheckpointFormat]:
    """Return every registered format."""
    return [registry.load("checkpoint_formats", name)() for name in registry.names("checkpoint_formats")]


def trained_state(method: Method) -> dict[str, Tensor]:
    """Return the state of the trained parts, by `part.parameter`."""
    return {
        f"{name}.{key}": value.detach().cpu().contiguous()
        for name, part in method.trained_parts().items()
        for key, value in part.state_dict().items()
    }


def save_checkpoint(method: Method, path: Path, metadata: Mapping[str, str]) -> None:
    """Write the trained parts as safetensors with what they belong to; never half a file."""
    with replacing(path) as temporary:
        save_file(trained_state(method), temporary, metadata=dict(metadata))


def checkpoint_metadata(path: Path) -> dict[str, str]:
    """Return what a checkpoint of ours says of itself.

    Raises:
        WeightsError: no such file, or not a safetensors file.
    """
    try:
        with safe_open(path, "pt") as file:
            return dict(file.metadata() or {})
    except FileNotFoundError as error:
        raise WeightsError(
            f"There is no checkpoint '{path}'. `avprompt weights list` shows published ones and their place."
        ) from error
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"'{path}' is not a checkpoint of avprompt (safetensors): {error}") from error


def load_checkpoint(method: Method, path: Path, formats: Iterable[CheckpointFormat] = ()) -> dict[str, str]:
    """Load trained parts into a method, from our format or one of the `formats` given; returns the metadata.

    Raises:
        WeightsError: missing, damaged, or the checkpoint of another method.
    """
    for known in formats:
        if path.suffix in known.endings and path.is_file():
            load_state(method, known.read(path), f"The checkpoint '{path}'", known.method)
            return {"method": known.method}
    metadata = checkpoint_metadata(path)
    load_state(method, load_file(path), f"The checkpoint '{path}'", metadata.get("method", "another method"))
    return metadata


def load_state(method: Method, state: Mapping[str, Tensor], what: str, owner: str = "another method") -> None:
    """Put trained parts into a method, all of them or none.

    Raises:
        WeightsError: names or shapes that do not fit; nothing is changed then.
    """
    wanted = trained_state(method)
    wrong = sorted(wanted.keys() ^ state.keys()) or [
        f"{name} {tuple(state[name].shape)} instead of {tuple(wanted[name].shape)}"
        for name in wanted
        if wanted[name].shape != state[name].shape
    ]
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise WeightsError(
            f"{what} belongs to {owner} or to other options. No fit: {', '.join(wrong[:3])}{more}. "
            "Use the method, encoder set and --set options that it was trained with."
        )
    for name, part in method.trained_parts().items():
        mine = {key: state[f"{name}.{key}"] for key in part.state_dict()}
        part.load_state_dict(mine)


def save_training_state(path: Path, state: Mapping[str, Any]) -> None:
    """Write everything that `--resume` needs as one file; never half a file."""
    with replacing(path) as temporary:
        torch.save(dict(state), temporary)


def load_training_state(path: Path) -> dict[str, Any]:
    """Read what `save_training_state` wrote, without running anything in it.

    Raises:
        WeightsError: the file is missing or damaged.
    """
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise WeightsError(f"There is nothing to resume: '{path}' does not exist.") from error
    except Exception as error:  # torch raises whatever the damage leads to
        raise WeightsError(f"'{path}' is damaged and cannot be resumed from: {error}") from error
    return state
