"""The check of somebody else's checkpoint format."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from avprompt.errors import WeightsError
from avprompt.testing.assertions import checks
from avprompt.weights.checkpoint import CheckpointFormat


@checks("checkpoint_formats")
def check_checkpoint_format(other: CheckpointFormat, path: Path, state: Mapping[str, Tensor]) -> None:
    """Check that what is written is read again, and that a file of another kind is refused.

    Args:
        other: the format.
        path: where a file may be written, such as pytest's `tmp_path / "theirs.pth"`.
        state: trained parts that the format has names for, by `part.parameter`.
    """
    assert other.method, "a checkpoint format must name its method"
    assert isinstance(other.endings, tuple), "endings must be a tuple, such as ('.pth',)"
    assert other.endings, "a checkpoint format must name the endings of its files"
    for ending in other.endings:
        assert ending.startswith("."), f"an ending begins with a dot, not '{ending}'"
    path = path.with_suffix(other.endings[0])
    other.write(state, path)
    assert path.is_file(), f"write must write the file '{path.name}' that it is given"
    restored = other.read(path)
    assert isinstance(restored, Mapping), f"read must return tensors by name, not {type(restored).__name__}"
    lost = sorted(state.keys() ^ restored.keys())
    assert not lost, f"read must return what was written; one side only has {', '.join(lost[:3])}"
    for name, tensor in state.items():
        value = restored[name]
        assert isinstance(value, Tensor), f"'{name}' must be a tensor, not {type(value).__name__}"
        assert torch.equal(value, tensor), f"read must return '{name}' as it was written"
    path.write_bytes(b"something else")
    try:
        other.read(path)
    except WeightsError:
        return
    raise AssertionError("read must raise WeightsError for a file that is not of the format")
