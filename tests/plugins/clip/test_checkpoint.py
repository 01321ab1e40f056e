from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from avprompt.errors import WeightsError
from avprompt_clip.checkpoint import clipseg_checkpoint, read_config, read_decoder, weight_file
from avprompt_clip.decoder import ClipSegNetwork


@pytest.mark.parametrize(
    ("reference", "width", "convolutions"),
    [("CIDAS/clipseg-rd16", 16, 1), ("CIDAS/clipseg-rd64", 64, 1), ("CIDAS/clipseg-rd64-refined", 64, 3)],
)
def test_published_numbers_are_known_without_files(reference: str, width: int, convolutions: int) -> None:
    with torch.device("meta"):
        network = ClipSegNetwork(768, 512, 3, 16, **read_decoder(clipseg_checkpoint(reference)).architecture)
    assert network.film_mul.out_features == width
    found = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    assert len(found) == convolutions


def test_a_folder_in_the_weights_home_stands_for_the_hub(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "CIDAS").mkdir()
    (tmp_path / "CIDAS" / "clipseg-rd64-refined").symlink_to(checkpoint)
    monkeypatch.setenv("AVPROMPT_HOME", str(tmp_path))
    found = clipseg_checkpoint("CIDAS/clipseg-rd64-refined")
    assert read_config(found)["reduce_dim"] == 16
    assert weight_file(found).name == "model.safetensors"


def test_a_folder_without_config_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"no config\.json"):
        read_config(clipseg_checkpoint(str(tmp_path)))
