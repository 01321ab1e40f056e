from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from avprompt.errors import WeightsError
from avprompt_beats import checkpoint
from avprompt_beats.architecture import BeatsArchitecture
from avprompt_beats.model import Beats


def test_architecture_of_an_official_file(golden_checkpoint: Path) -> None:
    arch = checkpoint.read_architecture(golden_checkpoint)
    assert (arch.encoder_layers, arch.encoder_embed_dim, arch.embed_dim, arch.max_distance) == (
        12,
        32,
        24,
        800,
    )


def test_official_names_are_ours_apart_from_the_predictor(golden_checkpoint: Path) -> None:
    official = torch.load(golden_checkpoint, weights_only=True)["model"].keys()
    ours = Beats(checkpoint.read_architecture(golden_checkpoint)).state_dict().keys()
    assert official - ours == {"predictor.weight", "predictor.bias"}
    assert ours <= official


def test_the_predictor_is_left_out(golden_checkpoint: Path) -> None:
    assert not any(name.startswith("predictor") for name in checkpoint.read_state(golden_checkpoint))


def test_a_file_of_the_oldest_torch_format(golden_checkpoint: Path, tmp_path: Path) -> None:
    path = tmp_path / "old.pt"
    content = torch.load(golden_checkpoint, weights_only=True)
    torch.save(content, path, _use_new_zipfile_serialization=False)
    assert checkpoint.read_state(path).keys() == checkpoint.read_state(golden_checkpoint).keys()


def test_safetensors_round_trip(beats: Beats, tmp_path: Path) -> None:
    path = tmp_path / "beats.safetensors"
    checkpoint.save(beats, path)
    assert checkpoint.read_architecture(path) == beats.arch
    again = Beats(beats.arch)
    again.load_state_dict(checkpoint.read_state(path))
    for name, tensor in beats.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name])


def test_files_that_are_no_beats(tmp_path: Path) -> None:
    damaged, other, bare = tmp_path / "damaged.pt", tmp_path / "other.pt", tmp_path / "bare.safetensors"
    damaged.write_bytes(b"no checkpoint")
    torch.save({"weight": torch.zeros(1)}, other)
    save_file({"weight": torch.zeros(1)}, bare)
    with pytest.raises(WeightsError, match=r"damaged\.pt' cannot be read as weights"):
        checkpoint.read_architecture(damaged)
    with pytest.raises(WeightsError, match="no BEATs checkpoint: it needs the entries 'cfg' and 'model'"):
        checkpoint.read_state(other)
    with pytest.raises(WeightsError, match="its metadata has no 'beats_cfg'"):
        checkpoint.read_architecture(bare)


def test_an_architecture_that_cannot_be_built(arch: BeatsArchitecture, tmp_path: Path) -> None:
    path = tmp_path / "glu.pt"
    torch.save({"cfg": {**arch.model_dump(), "activation_fn": "glu"}, "model": {}}, path)
    with pytest.raises(WeightsError, match=r"glu\.pt' names an architecture .* activation_fn"):
        checkpoint.read_architecture(path)


def test_code_in_a_checkpoint_is_never_run(tmp_path: Path) -> None:
    path = tmp_path / "evil.pt"
    torch.save({"cfg": Path("anything"), "model": {}}, path)
    with pytest.raises(WeightsError, match="cannot be read as weights"):
        checkpoint.read_architecture(path)
