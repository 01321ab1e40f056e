"""Writing trained encoders as packaged weights, with the record of their quality."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

from avprompt_beats import checkpoint
from avprompt_beats.model import Beats
from avprompt_beats.predictor import Predictor

FOLDER = Path(__file__).resolve().parents[1] / "weights"
BEATS = FOLDER / "beats.safetensors"


def write_module(module: nn.Module, name: str) -> None:
    """Write a module's tensors in half precision."""
    state = {key: tensor.detach().half().contiguous() for key, tensor in module.state_dict().items()}
    save_file(state, FOLDER / name)


def write_beats(beats: Beats, predictor: Predictor, labels: Sequence[str]) -> None:
    """Write audio encoder and label predictor in half precision, architecture and labels as metadata."""
    checkpoint.save(beats.half(), BEATS, predictor.half(), labels)
    beats.float(), predictor.float()


def read_beats() -> Beats:
    """Return the audio encoder that is in the package, in single precision."""
    beats = Beats(checkpoint.read_architecture(BEATS))
    beats.load_state_dict(checkpoint.read_state(BEATS))
    return beats.eval()


def record(part: str, facts: dict[str, object]) -> None:
    """Put what was measured of one part, and the SHA-256 of all weights, into quality.json."""
    path = FOLDER / "quality.json"
    content = json.loads(path.read_text()) if path.exists() else {}
    content[part] = {**facts, "torch": torch.__version__}
    content["sha256"] = {}
    for file in sorted(FOLDER.glob("*.safetensors")):
        file.chmod(0o644)  # safetensors writes for the owner alone, and packages keep that
        content["sha256"][file.name] = hashlib.sha256(file.read_bytes()).hexdigest()
    path.write_text(json.dumps(content, indent=2) + "\n")
