"""ACL-SSL's published checkpoint format: `{"audio_proj": state dict, "masker_i": state dict}`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from avprompt.files import replacing
from avprompt.plugin import CheckpointFormat, WeightsError, read_torch_file

# Their name of a part -> ours.
PARTS = {"audio_proj": "projection", "masker_i": "masker"}


class AclCheckpoint(CheckpointFormat):
    """Reads and writes trained parts as the authors of ACL-SSL publish them."""

    method = "acl-ssl"
    endings = (".pth", ".pt")

    def read(self, path: Path) -> dict[str, Tensor]:
        """Return the trained parts under our names; nothing in the file is run."""
        theirs = read_torch_file(path)
        if not _is_theirs(theirs):
            raise WeightsError(
                f"'{path}' is not a checkpoint of ACL-SSL: it must hold {' and '.join(PARTS)}."
            )
        return {f"{PARTS[part]}.{key}": value for part in PARTS for key, value in theirs[part].items()}

    def write(self, state: Mapping[str, Tensor], path: Path) -> None:
        """Write trained parts under their names.

        Raises:
            WeightsError: there are other parts than theirs.
        """
        strange = sorted(key for key in state if key.partition(".")[0] not in PARTS.values())
        if strange:
            raise WeightsError(f"ACL-SSL's format has no place for {', '.join(strange[:3])}.")
        theirs = {
            part: {
                key.removeprefix(f"{ours}."): value
                for key, value in state.items()
                if key.startswith(f"{ours}.")
            }
            for part, ours in PARTS.items()
        }
        with replacing(path) as temporary:
            torch.save(theirs, temporary)


def _is_theirs(file: Any) -> bool:
    if not isinstance(file, Mapping) or file.keys() != PARTS.keys():
        return False
    if not all(isinstance(state, Mapping) for state in file.values()):
        return False
    return all(isinstance(value, Tensor) for state in file.values() for value in state.values())
