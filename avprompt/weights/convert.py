"""Checkpoints from somebody's format into ours and back, without the method that they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from avprompt import __version__
from avprompt.errors import WeightsError
from avprompt.registry import Registry
from avprompt.weights.checkpoint import CheckpointFormat, checkpoint_formats, checkpoint_metadata
from avprompt.weights.tensors import SAFETENSORS, read_tensors, write_tensors


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
    if source.suffix == target.suffix == SAFETENSORS:
        raise WeightsError(f"Both '{source}' and '{target}' are in our format: there is nothing to convert.")
    if not source.is_file():
        raise WeightsError(f"There is no checkpoint '{source}'.")
    if source.suffix == SAFETENSORS:
        metadata, state = checkpoint_metadata(source), read_tensors(source)
    else:
        reader = _find_format(registry, source, name)
        metadata, state = {"method": reader.method, "avprompt": __version__}, reader.read(source)
    if target.suffix == SAFETENSORS:
        write_tensors(target, state, metadata)
    else:
        _find_format(registry, target, name).write(state, target)
    return len(state)


def _find_format(registry: Registry, path: Path, name: str | None) -> CheckpointFormat:
    """Return the format of that name, or the only one whose files end like `path`."""
    if name is not None:
        registry.find("checkpoint_formats", name)
    formats = checkpoint_formats(registry)
    names = [name] if name else [key for key, other in formats.items() if path.suffix in other.endings]
    if len(names) == 1:
        return formats[names[0]]
    problem = f"several formats have it: {', '.join(names)}" if names else f"known are {_endings(formats)}"
    raise WeightsError(
        f"The ending of '{path}' does not tell its format ({problem}). Name it with --format NAME."
    )


def _endings(formats: Mapping[str, CheckpointFormat]) -> str:
    theirs = [f"{'/'.join(other.endings)} ({name})" for name, other in formats.items()]
    return f"{', '.join(theirs)} and {SAFETENSORS} (ours)"
