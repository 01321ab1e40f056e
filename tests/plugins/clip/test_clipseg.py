from __future__ import annotations

import inspect
import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from avprompt.errors import ConfigError, WeightsError
from avprompt.records import Prompt
from avprompt_clip import backbone as module
from avprompt_clip.clipseg import ClipSegBackbone, ClipSegOptions
from avprompt_clip.mask_decoder import ClipSegDecoder, ClipSegDecoderOptions


@pytest.fixture
def copy(checkpoint: Path, tmp_path: Path) -> Path:
    """A copy of the checkpoint to be spoiled."""
    return Path(shutil.copytree(checkpoint, tmp_path / "clipseg"))


def open_checkpoint(folder: Path | str, image_size: int | None = None) -> ClipSegBackbone:
    return ClipSegBackbone(ClipSegOptions(checkpoint=str(folder), image_size=image_size))


def test_published_architecture_needs_neither_files_nor_memory() -> None:
    with torch.device("meta"):
        backbone = ClipSegBackbone(ClipSegOptions())
        decoder = ClipSegDecoder(ClipSegDecoderOptions(), backbone)
        features = backbone.encode_image(torch.zeros(2, 3, 352, 352))
        masks = decoder(features, features.pooled, pairs=True)
    assert sum(parameter.numel() for parameter in backbone.parameters()) == 149_620_737  # CLIP ViT-B/16
    assert sum(parameter.numel() for parameter in decoder.parameters()) == 1_127_009
    widths = backbone.vision_width, backbone.joint_width, backbone.text_width
    assert (backbone.image_size, backbone.patch_size, backbone.layers, *widths) == (352, 16, 3, 768, 512, 512)
    assert [tuple(state.shape) for state in features.hidden] == [(2, 485, 768)] * 3
    assert (features.dense.shape, masks.shape) == ((2, 512, 22, 22), (2, 2, 352, 352))


def test_size_is_352_whatever_the_checkpoint_was_made_for(checkpoint: Path) -> None:
    assert open_checkpoint(checkpoint).image_size == 352
    assert open_checkpoint(checkpoint, image_size=96).image_size == 96


def test_size_must_be_whole_patches(checkpoint: Path) -> None:
    with pytest.raises(ConfigError, match=r"100 is not a multiple of the patch size 16. Use 96"):
        open_checkpoint(checkpoint, image_size=100)


@pytest.mark.parametrize("size", [64, 96, 352])
def test_pooled_feature_equals_transformers_at_any_size(size: int, backbone: ClipSegBackbone) -> None:
    pixels = torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(0))
    tower = backbone.clip.vision_model
    # Before 4.46 transformers interpolated unasked.
    asks = "interpolate_pos_encoding" in inspect.signature(type(tower).forward).parameters
    official = tower(pixels, **({"interpolate_pos_encoding": True} if asks else {})).pooler_output
    ours = backbone.pool_image(pixels)
    torch.testing.assert_close(ours, backbone.clip.visual_projection(official), atol=1e-5, rtol=0)
    features = backbone.encode_image(pixels)
    torch.testing.assert_close(features.pooled, ours)
    assert features.dense.shape == (1, 40, size // 16, size // 16)


def test_it_is_frozen_for_good(backbone: ClipSegBackbone) -> None:
    backbone.train()
    assert not any(module.training for module in backbone.modules())
    assert not any(parameter.requires_grad for parameter in backbone.parameters())


def test_gradient_reaches_pixels_and_embeddings(
    backbone: ClipSegBackbone, prompt: Prompt, golden: dict[str, Tensor]
) -> None:
    pixels = golden["image.pixels"].clone().requires_grad_()
    embeddings = prompt.embeddings.clone().requires_grad_()
    text = backbone.encode_prompt(Prompt(embeddings, prompt.read_at))
    (backbone.pool_image(pixels) * text).sum().backward()
    assert pixels.grad is not None
    assert embeddings.grad is not None
    assert (embeddings.grad.abs().sum(dim=(0, 2)) > 0).all()


def test_tokens_after_the_one_read_do_not_matter(backbone: ClipSegBackbone, prompt: Prompt) -> None:
    longer = torch.cat([prompt.embeddings, torch.randn(3, 4, 32)], dim=1)
    torch.testing.assert_close(
        backbone.encode_prompt(Prompt(longer, prompt.read_at)), backbone.encode_prompt(prompt)
    )


def test_a_prompt_longer_than_the_positions_is_an_error(backbone: ClipSegBackbone) -> None:
    with pytest.raises(ConfigError, match="78 tokens and the text encoder takes 77"):
        backbone.encode_prompt(Prompt(torch.zeros(1, 78, 32), 77))


def test_no_words_are_no_embeddings(backbone: ClipSegBackbone) -> None:
    assert backbone.embed_text("").shape == (0, 32)


def test_weights_are_named_with_their_checksum(checkpoint: Path) -> None:
    digest = "a3a75ca3a0f61e98c112c23391109c13395d7c89fffecaa724a737f8c61cd18b"
    assert open_checkpoint(checkpoint).load_weights() == {"model.safetensors": digest}


def test_older_checkpoints_are_torch_files_with_position_ids(copy: Path, backbone: ClipSegBackbone) -> None:
    state = load_file(copy / "model.safetensors")
    state["clip.text_model.embeddings.position_ids"] = torch.arange(77)[None]
    torch.save(state, copy / "pytorch_model.bin")
    (copy / "model.safetensors").unlink()
    older = open_checkpoint(copy)
    assert list(older.load_weights()) == ["pytorch_model.bin"]
    for name, tensor in backbone.state_dict().items():
        assert torch.equal(older.state_dict()[name], tensor)
    found = older.decoder_checkpoint().load
    assert found is not None
    assert found().keys() == {name.removeprefix("decoder.") for name in state if name.startswith("decoder.")}


def test_published_weights_that_are_not_here_say_what_to_get() -> None:
    with torch.device("meta"):
        backbone = ClipSegBackbone(ClipSegOptions())
    with pytest.raises(
        WeightsError, match=r"avprompt weights fetch CIDAS/clipseg-rd64-refined(.|\n)*backbone.checkpoint"
    ):
        backbone.load_weights()


@pytest.mark.parametrize("reference", ["somebody/clipseg-of-theirs", "./no/such/folder"])
def test_an_unknown_checkpoint_is_an_error(reference: str) -> None:
    with pytest.raises(WeightsError, match=reference):
        open_checkpoint(reference)


def test_damaged_weights_are_an_error(copy: Path) -> None:
    (copy / "model.safetensors").write_bytes(b"\0" * 100)
    with pytest.raises(WeightsError, match="cannot be read as weights"):
        open_checkpoint(copy).load_weights()


def test_weights_of_another_size_are_an_error(copy: Path) -> None:
    state = load_file(copy / "model.safetensors")
    state["clip.visual_projection.weight"] = torch.zeros(41, 48)
    save_file(state, copy / "model.safetensors")
    with pytest.raises(WeightsError, match=r"does not fit this architecture.*visual_projection"):
        open_checkpoint(copy).load_weights()


def test_extract_layers_beyond_the_last_block_are_an_error(copy: Path) -> None:
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"extract_layers": [3, 12]}))
    with pytest.raises(ConfigError, match=r"\[3, 12\] must be increasing numbers from 0 to 11"):
        open_checkpoint(copy)


def test_a_vocabulary_of_its_own_needs_its_tokenizer(copy: Path) -> None:
    (copy / "vocab.json").unlink()
    with pytest.raises(WeightsError, match="a vocabulary of its own but no tokenizer"):
        open_checkpoint(copy).special_token_embeddings()


def test_groups_change_no_feature_and_no_gradient(
    backbone: ClipSegBackbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = torch.randn(5, 3, 32, 32, requires_grad=True)
    found = []
    for group in (5, 2):
        monkeypatch.setattr(module, "in_groups", lambda rows, _, group=group: torch.split(rows, group))
        pooled, image = backbone.pool_image(pixels), backbone.encode_image(pixels.detach())
        (gradient,) = torch.autograd.grad(pooled.square().sum(), pixels)
        found.append((pooled, gradient, image.pooled, image.dense, *image.hidden))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
