from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from avprompt.errors import WeightsError
from avprompt.model.parts import DecoderCheckpoint
from avprompt.records import ImageFeatures
from avprompt_clip.clipseg import ClipSegBackbone
from avprompt_clip.mask_decoder import ClipSegDecoder, ClipSegDecoderOptions


@pytest.fixture
def alone(backbone: ClipSegBackbone, monkeypatch: pytest.MonkeyPatch) -> ClipSegBackbone:
    """A backbone that came without a decoder."""
    monkeypatch.setattr(backbone, "decoder_checkpoint", lambda: None)
    return backbone


def build(backbone: ClipSegBackbone, **options: object) -> ClipSegDecoder:
    torch.manual_seed(0)
    decoder = ClipSegDecoder(ClipSegDecoderOptions(**options), backbone)
    decoder.load_weights(backbone)
    return decoder


def is_pretrained(decoder: ClipSegDecoder, checkpoint: Path) -> bool:
    official = load_file(checkpoint / "model.safetensors")
    return all(
        torch.equal(own, official[f"decoder.{name}"]) for name, own in decoder.network.state_dict().items()
    )


def test_starts_from_the_decoder_of_the_backbone(backbone: ClipSegBackbone, checkpoint: Path) -> None:
    assert is_pretrained(build(backbone), checkpoint)


def test_starts_random_when_asked(backbone: ClipSegBackbone, checkpoint: Path) -> None:
    assert not is_pretrained(build(backbone, random=True), checkpoint)


def test_without_a_checkpoint_it_has_the_published_numbers(alone: ClipSegBackbone) -> None:
    decoder = build(alone)
    assert decoder.network.film_mul.weight.shape == (64, 40)
    assert decoder.network.layers[0].mlp.fc1.weight.shape == (2048, 64)


def test_an_architecture_without_weights_starts_random(
    backbone: ClipSegBackbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backbone, "decoder_checkpoint", lambda: DecoderCheckpoint({"reduce_dim": 8}, None))
    assert build(backbone).network.film_mul.weight.shape == (8, 40)


def test_own_checkpoint_may_be_a_clipseg_folder(alone: ClipSegBackbone, checkpoint: Path) -> None:
    assert is_pretrained(build(alone, checkpoint=str(checkpoint)), checkpoint)


@pytest.mark.parametrize("prefix", ["", "decoder."])
def test_own_checkpoint_may_be_a_file(
    prefix: str, backbone: ClipSegBackbone, checkpoint: Path, tmp_path: Path
) -> None:
    state = {
        prefix + name.removeprefix("decoder."): tensor
        for name, tensor in load_file(checkpoint / "model.safetensors").items()
        if name.startswith("decoder.")
    }
    save_file(state, tmp_path / "decoder.safetensors")
    torch.save(state, tmp_path / "decoder.pt")
    for file in ("decoder.safetensors", "decoder.pt"):
        assert is_pretrained(build(backbone, checkpoint=str(tmp_path / file)), checkpoint)


def test_a_checkpoint_of_another_architecture_is_an_error(alone: ClipSegBackbone, tmp_path: Path) -> None:
    save_file({"film_mul.weight": torch.zeros(3, 3)}, tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match=r"other\.safetensors.*does not fit"):
        build(alone, checkpoint=str(tmp_path / "other.safetensors"))


def test_a_missing_checkpoint_names_its_option(alone: ClipSegBackbone, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"decoder\.checkpoint"):
        build(alone, checkpoint=str(tmp_path / "nowhere"))


def test_pairs_hold_each_image_with_its_own_text(backbone: ClipSegBackbone, features: ImageFeatures) -> None:
    decoder = build(backbone, memory=1e-9)
    single = decoder(features, features.pooled)
    pairs = decoder(features, features.pooled, pairs=True)
    assert (single.shape, pairs.shape) == ((2, 32, 32), (2, 2, 32, 32))
    torch.testing.assert_close(single, torch.stack([pairs[0, 0], pairs[1, 1]]), atol=1e-5, rtol=1e-4)
