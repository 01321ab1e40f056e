"""BEATs checkpoints: the official `.pt` files, and safetensors that say their architecture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from torch import Tensor

from avprompt.plugin import WeightsError, read_metadata, read_tensors, read_torch_file, write_tensors
from avprompt_beats.architecture import BeatsArchitecture
from avprompt_beats.model import Beats

METADATA_KEY = "beats_cfg"


def read_architecture(path: Path) -> BeatsArchitecture:
    """Return the architecture that a checkpoint names, without reading its tensors.

    Raises:
        WeightsError: damaged, no BEATs checkpoint, or a kind of BEATs that is not supported.
    """
    try:
        return BeatsArchitecture.model_validate(_cfg(path))
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'cfg'}: {e['msg']}" for e in error.errors())
        raise WeightsError(f"'{path}' names an architecture that cannot be built: {wrong}.") from error
    except ValueError as error:
        raise WeightsError(f"'{path}' has a damaged '{METADATA_KEY}': {error}") from error


def read_state(path: Path) -> dict[str, Tensor]:
    """Return the encoder's tensors; the label predictor of fine-tuned checkpoints is left out.

    Raises:
        WeightsError: damaged, or no BEATs checkpoint.
    """
    state = read_tensors(path) if path.suffix == ".safetensors" else _official(path)["model"]
    return {name: tensor for name, tensor in state.items() if not name.startswith("predictor.")}


def save(beats: Beats, path: Path) -> None:
    """Write a model as safetensors that `read_architecture` and `read_state` understand."""
    state = {name: tensor.clone() for name, tensor in beats.state_dict().items()}  # blocks share some
    write_tensors(path, state, {METADATA_KEY: beats.arch.model_dump_json()})


def _cfg(path: Path) -> Any:
    if path.suffix != ".safetensors":
        return _official(path)["cfg"]
    metadata = read_metadata(path)
    if METADATA_KEY not in metadata:
        raise WeightsError(f"'{path}' is no BEATs checkpoint: its metadata has no '{METADATA_KEY}'.")
    return json.loads(metadata[METADATA_KEY])


def _official(path: Path) -> dict[str, Any]:
    content = read_torch_file(path)
    if not isinstance(content, dict) or not {"cfg", "model"} <= content.keys():
        raise WeightsError(f"'{path}' is no BEATs checkpoint: it needs the entries 'cfg' and 'model'.")
    return content
