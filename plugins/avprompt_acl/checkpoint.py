"""ACL-SSL's published checkpoint format: `{"audio_proj": state dict, "masker_i": state dict}`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from avprompt.checkpoint import CheckpointFormat, replacing
from avprompt.errors import WeightsError

# Their name of a part -> ours.
PARTS = {"audio_proj": "projection", "masker_i": "masker"}


class AclCheckpoint(CheckpointFormat):
    """Reads and writes trained parts as the authors of ACL-SSL publish them."""

    method = "acl-ssl"
    endings = (".pth", ".pt")

    def read(self, path: Path) -> dict[str, Tensor]:
        """Return the trained parts under our names; nothing in the file is run."""
        try:
            theirs = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:  # torch raises whatever the damage leads to
            raise WeightsError(f"'{path}' is no PyTorch checkpoint, or a damaged one: {error}") from error
        if not isinstance(theirs, Mapping) or theirs.keys() != PARTS.keys():
            raise WeightsError(
                f"'{path}' is not a checkpoint of ACL-SSL: it must hold {' and '.join(PARTS)}."
            )
        return {f"{PARTS[part]}.{key}": value for part in PARTS for key, value in theirs[part].items()}

    def write(self, state: Mapping[str, Tensor], path: Path) -> None:
        """Write trained parts under their names."""
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
