"""Checkpoints from somebody's format into ours and back, without the method that they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor

from avprompt import __version__
from avprompt.errors import WeightsError
from avprompt.files import replacing
from avprompt.registry import Registry
from avprompt.weights.checkpoint import CheckpointFormat, checkpoint_metadata
from avprompt.weights.tensors import read_tensors

OURS = ".safetensors"


def convert_checkpoint(registry: Registry, source: Path, target: Path, name: str | None = None) -> int:
    """Write `source` as `target` and return how many tensors there are; every bit of them stays.

    Args:
        registry: where the formats are registered.
        source: what to read: ours if it ends in `.safetensors`, else somebody's.
        target: what to write, likewise.
        name: of the other format; None goes by the ending, which must then be that of one format.

    Raises:
        UnknownNameError: there is no such format.
        WeightsError: both files are ours, an ending is unknown, or the format cannot hold the tensors.
    """
    if source.suffix == target.suffix == OURS:
        raise WeightsError(f"Both '{source}' and '{target}' are in our format: there is nothing to convert.")
    if not source.is_file():
        raise WeightsError(f"There is no checkpoint '{source}'.")
    if source.suffix == OURS:
        metadata, state = checkpoint_metadata(source), read_tensors(source)
    else:
        reader = _format(registry, source, name)
        metadata, state = {"method": reader.method, "avprompt": __version__}, reader.read(source)
    if target.suffix == OURS:
        _write(state, metadata, target)
    else:
        _format(registry, target, name).write(state, target)
    return len(state)


def _write(state: Mapping[str, Tensor], metadata: Mapping[str, str], target: Path) -> None:
    with replacing(target) as temporary:
        save_file({key: value.contiguous() for key, value in state.items()}, temporary, dict(metadata))


def _format(registry: Registry, path: Path, name: str | None) -> CheckpointFormat:
    """Return the format of that name, or the only one whose files end like `path`."""
    if name is not None:
        chosen: CheckpointFormat = registry.load("checkpoint_formats", name)()
        return chosen
    known = {one: registry.load("checkpoint_formats", one)() for one in registry.names("checkpoint_formats")}
    fitting = [one for one, format_ in known.items() if path.suffix in format_.endings]
    if len(fitting) == 1:
        only: CheckpointFormat = known[fitting[0]]
        return only
    wanted = f"several formats have it: {', '.join(fitting)}" if fitting else f"known are {_endings(known)}"
    raise WeightsError(
        f"The ending of '{path}' does not tell its format ({wanted}). Name it with --format NAME."
    )


def _endings(known: Mapping[str, CheckpointFormat]) -> str:
    return (
        ", ".join(f"{'/'.join(format_.endings)} ({name})" for name, format_ in known.items())
        + f" and {OURS} (ours)"
    )
