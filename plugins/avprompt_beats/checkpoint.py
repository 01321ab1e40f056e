"""BEATs checkpoints: the official `.pt` files, and safetensors that say their architecture."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from torch import Tensor

from avprompt.plugin import WeightsError, read_metadata, read_tensors, read_torch_file, write_tensors
from avprompt_beats.architecture import BeatsArchitecture
from avprompt_beats.labels import class_names
from avprompt_beats.model import Beats
from avprompt_beats.predictor import Predictor

METADATA_KEY = "beats_cfg"
LABELS_KEY = "beats_labels"
PREDICTOR = "predictor."


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


def read_labels(path: Path) -> tuple[str, ...]:
    """Return the names of the classes that a checkpoint's predictor scores, in its order.

    They are the label table of official fine-tuned checkpoints, see `avprompt_beats.labels`. None where the
    file has no table, or a class in it has no name.

    Raises:
        WeightsError: the table is damaged.
    """
    if path.suffix == ".safetensors":
        table = _parsed(path, LABELS_KEY, read_metadata(path).get(LABELS_KEY, "[]"))
        if not isinstance(table, list) or not all(isinstance(label, str) for label in table):
            raise WeightsError(f"'{path}' has a damaged '{LABELS_KEY}': it must be a list of names.")
        return class_names(table)
    content = _official(path)
    table = content.get("label_dict")
    if not table or not content["cfg"].get("finetuned_model"):
        return ()
    if not isinstance(table, dict) or set(table) != set(range(len(table))):
        raise WeightsError(f"'{path}' has a damaged 'label_dict': it must number classes from 0.")
    return class_names(str(table[number]) for number in range(len(table)))


def read_state(path: Path) -> dict[str, Tensor]:
    """Return the encoder's tensors; the label predictor of fine-tuned checkpoints is left out.

    Raises:
        WeightsError: damaged, or no BEATs checkpoint.
    """
    return {name: tensor for name, tensor in _state(path).items() if not name.startswith(PREDICTOR)}


def read_predictor(path: Path) -> dict[str, Tensor]:
    """Return the tensors of the label predictor, likewise; none where the file has none."""
    tensors = _state(path).items()
    return {name.removeprefix(PREDICTOR): tensor for name, tensor in tensors if name.startswith(PREDICTOR)}


def save(beats: Beats, path: Path, predictor: Predictor | None = None, labels: Sequence[str] = ()) -> None:
    """Write a model as safetensors that the functions above understand, with a label predictor or without."""
    state = {name: tensor.clone() for name, tensor in beats.state_dict().items()}  # blocks share some
    metadata = {METADATA_KEY: beats.arch.model_dump_json()}
    if predictor is not None:
        state |= {PREDICTOR + name: tensor for name, tensor in predictor.state_dict().items()}
        metadata[LABELS_KEY] = json.dumps(labels)
    write_tensors(path, state, metadata)


def _state(path: Path) -> dict[str, Tensor]:
    state: dict[str, Tensor] = (
        read_tensors(path) if path.suffix == ".safetensors" else _official(path)["model"]
    )
    return state


def _cfg(path: Path) -> Any:
    if path.suffix != ".safetensors":
        return _official(path)["cfg"]
    metadata = read_metadata(path)
    if METADATA_KEY not in metadata:
        raise WeightsError(f"'{path}' is no BEATs checkpoint: its metadata has no '{METADATA_KEY}'.")
    return _parsed(path, METADATA_KEY, metadata[METADATA_KEY])


def _parsed(path: Path, key: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise WeightsError(f"'{path}' has a damaged '{key}': {error}") from error


def _official(path: Path) -> dict[str, Any]:
    content = read_torch_file(path)
    if not isinstance(content, dict) or not {"cfg", "model"} <= content.keys():
        raise WeightsError(f"'{path}' is no BEATs checkpoint: it needs the entries 'cfg' and 'model'.")
    return content
