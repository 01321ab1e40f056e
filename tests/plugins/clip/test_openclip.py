from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import open_clip
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from avprompt.errors import ConfigError, UnknownNameError, WeightsError
from avprompt.records import Prompt
from avprompt.testing import check_backbone
from avprompt_clip.clipseg import ClipSegBackbone
from avprompt_clip.openclip import OpenClipBackbone, OpenClipOptions

# The golden CLIPSeg's CLIP, in open_clip's words.
TINY = {
    "embed_dim": 40,
    "quick_gelu": True,
    "vision_cfg": {
        "image_size": 64,
        "layers": 12,
        "width": 48,
        "head_width": 12,
        "mlp_ratio": 2.0,
        "patch_size": 16,
    },
    "text_cfg": {
        "context_length": 77,
        "vocab_size": 77,
        "width": 32,
        "heads": 4,
        "layers": 3,
        "mlp_ratio": 2.0,
    },
}
NAMES = {
    "vision_model.encoder.layers": "visual.transformer.resblocks",
    "vision_model.embeddings.class_embedding": "visual.class_embedding",
    "vision_model.embeddings.patch_embedding": "visual.conv1",
    "vision_model.embeddings.position_embedding.weight": "visual.positional_embedding",
    "vision_model.pre_layrnorm": "visual.ln_pre",
    "vision_model.post_layernorm": "visual.ln_post",
    "text_model.encoder.layers": "transformer.resblocks",
    "text_model.embeddings.token_embedding": "token_embedding",
    "text_model.embeddings.position_embedding.weight": "positional_embedding",
    "text_model.final_layer_norm": "ln_final",
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
    "self_attn.": "attn.",
}


def as_open_clip(clipseg: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rename the tensors of CLIPSeg's CLIP; open_clip stacks queries, keys and values."""
    state = {}
    for name, tensor in clipseg.items():
        for theirs, ours in NAMES.items():
            name = name.replace(theirs, ours)
        state[name] = tensor
    for name in [name for name in state if ".q_proj." in name]:
        stacked = [state.pop(name.replace(".q_proj.", f".{letter}_proj.")) for letter in "qkv"]
        state[name.replace(".q_proj.", ".in_proj_")] = torch.cat(stacked)
    state["visual.proj"] = state.pop("visual_projection.weight").T.contiguous()
    state["text_projection"] = state.pop("text_projection.weight").T.contiguous()
    return state


def as_module(state: dict[str, Tensor]) -> nn.Module:
    """Return a tree of modules without code that holds the tensors under their names."""
    root = nn.Module()
    for name, tensor in state.items():
        *path, leaf = name.split(".")
        node = root
        for part in path:
            if part not in dict(node.named_children()):
                node.add_module(part, nn.Module())
            node = node.get_submodule(part)
        node.register_buffer(leaf, tensor)
    return root


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[str]:
    """The name under which open_clip knows the tiny model."""
    path = tmp_path / "avprompt-tiny.json"
    path.write_text(json.dumps(TINY))
    open_clip.add_model_config(path)
    yield "avprompt-tiny"
    open_clip.factory._MODEL_CONFIGS.pop("avprompt-tiny")


@pytest.fixture
def weights(backbone: ClipSegBackbone, tmp_path: Path) -> Path:
    """The golden weights as a file of open_clip."""
    save_file(as_open_clip(backbone.clip.state_dict()), tmp_path / "tiny.safetensors")
    return tmp_path / "tiny.safetensors"


@pytest.fixture
def twin(tiny: str, weights: Path) -> OpenClipBackbone:
    twin = OpenClipBackbone(OpenClipOptions(model=tiny, pretrained=str(weights), image_size=64))
    assert list(twin.load_weights()) == ["tiny.safetensors"]
    return twin


@pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning", "ignore:`torch.jit:DeprecationWarning")
def test_archives_of_openai_are_read(tiny: str, twin: OpenClipBackbone, tmp_path: Path) -> None:
    halved = {name: tensor.half() for name, tensor in twin.clip.state_dict().items()}
    torch.jit.save(
        torch.jit.script(as_module(halved | {"vocab_size": torch.tensor(77)})), tmp_path / "tiny.pt"
    )
    backbone = OpenClipBackbone(OpenClipOptions(model=tiny, pretrained=str(tmp_path / "tiny.pt")))
    assert list(backbone.load_weights()) == ["tiny.pt"]
    for name, tensor in backbone.clip.state_dict().items():
        assert torch.equal(tensor, halved[name].float())


@pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning", "ignore:`torch.jit:DeprecationWarning")
@pytest.mark.parametrize(("numbers", "quick"), [({"vocab_size": torch.tensor(77)}, True), ({}, False)])
def test_an_archive_of_openai_gets_its_gelu_under_any_name(
    tiny: str, twin: OpenClipBackbone, tmp_path: Path, numbers: dict[str, Tensor], quick: bool
) -> None:
    path = tmp_path / "plain.pt"
    torch.jit.save(torch.jit.script(as_module(twin.clip.state_dict() | numbers)), path)
    (tmp_path / "plain-gelu.json").write_text(json.dumps(TINY | {"quick_gelu": False}))
    open_clip.add_model_config(tmp_path / "plain-gelu.json")
    plain = OpenClipBackbone(OpenClipOptions(model="plain-gelu", pretrained=str(path), image_size=64))
    open_clip.factory._MODEL_CONFIGS.pop("plain-gelu")
    plain.load_weights()
    pixels = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    assert torch.equal(plain.pool_image(pixels), twin.pool_image(pixels)) is quick


@pytest.mark.parametrize("size", [64, 96])
def test_images_equal_clipseg_from_the_same_weights(
    size: int, backbone: ClipSegBackbone, twin: OpenClipBackbone
) -> None:
    pixels = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    ours, theirs = twin.encode_image(pixels), backbone.encode_image(pixels)
    torch.testing.assert_close(ours.pooled, theirs.pooled, atol=1e-5, rtol=0)
    torch.testing.assert_close(ours.dense, theirs.dense, atol=1e-5, rtol=0)
    for own, other in zip(ours.hidden, theirs.hidden, strict=True):
        torch.testing.assert_close(own, other, atol=1e-5, rtol=0)
    torch.testing.assert_close(twin.pool_image(pixels), ours.pooled)


def test_prompts_equal_clipseg_from_the_same_weights(
    backbone: ClipSegBackbone, twin: OpenClipBackbone, prompt: Prompt
) -> None:
    ours, theirs = twin.encode_prompt(prompt), backbone.encode_prompt(prompt)
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)
    assert torch.equal(twin.token_embedding.weight, backbone.token_embedding.weight)


def test_shapes_are_those_of_clipseg(backbone: ClipSegBackbone, twin: OpenClipBackbone) -> None:
    names = ("image_size", "patch_size", "vision_width", "joint_width", "text_width", "layers", "mean", "std")
    assert [getattr(twin, name) for name in names] == [getattr(backbone, name) for name in names]
    assert twin.decoder_checkpoint() is None


def test_pooled_feature_equals_open_clip(twin: OpenClipBackbone, golden: dict[str, Tensor]) -> None:
    pixels = golden["image.pixels"]
    torch.testing.assert_close(twin.pool_image(pixels), twin.clip.encode_image(pixels), atol=1e-5, rtol=0)


def test_text_feature_equals_open_clip(twin: OpenClipBackbone, golden: dict[str, Tensor]) -> None:
    ids = golden["prompt.token_ids"]  # <sos> a photo of <eos>, padded
    ours = twin.encode_prompt(Prompt(twin.token_embedding(ids), read_at=4))
    torch.testing.assert_close(ours, twin.clip.encode_text(ids), atol=1e-5, rtol=0)


def test_it_is_frozen_and_passes_gradients(twin: OpenClipBackbone, golden: dict[str, Tensor]) -> None:
    assert not any(parameter.requires_grad for parameter in twin.train().parameters())
    pixels = golden["image.pixels"].clone().requires_grad_()
    twin.pool_image(pixels).sum().backward()
    assert pixels.grad is not None


def test_it_keeps_the_contract_of_backbones(
    twin: OpenClipBackbone, backbone: ClipSegBackbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OpenClipBackbone, "tokenizer", backbone.tokenizer)  # the tiny vocabulary's
    check_backbone(twin)


@pytest.mark.parametrize(
    ("name", "pretrained", "size", "grid", "widths"),
    [
        ("ViT-B-16-quickgelu", "openai", 352, 22, (768, 512, 512)),
        ("ViT-L-14", "openai", 350, 25, (1024, 768, 768)),
        ("ViT-B-16", "laion2b_s34b_b88k", 352, 22, (768, 512, 512)),
    ],
)
def test_models_of_the_zoo(
    name: str, pretrained: str, size: int, grid: int, widths: tuple[int, int, int]
) -> None:
    with torch.device("meta"):
        backbone = OpenClipBackbone(OpenClipOptions(model=name, pretrained=pretrained))
        dense = backbone.encode_image(torch.zeros(1, 3, size, size)).dense
    assert (backbone.vision_width, backbone.joint_width, backbone.text_width) == widths
    assert backbone.image_size == size
    assert dense.shape == (1, widths[1], grid, grid)
    assert backbone.embed_text("a photo of a").shape == (4, widths[2])


@pytest.mark.parametrize(("pretrained", "quick"), [("openai", True), ("laion2b_s34b_b88k", False)])
def test_the_tag_decides_which_gelu(pretrained: str, quick: bool) -> None:
    with torch.device("meta"):
        backbone = OpenClipBackbone(OpenClipOptions(model="ViT-B-16", pretrained=pretrained))
    assert isinstance(backbone.clip.visual.transformer.resblocks[0].mlp.gelu, nn.GELU) is not quick


def test_an_unknown_model_is_an_error() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'ViT-B-16'"):
        OpenClipBackbone(OpenClipOptions(model="ViT-B-61"))


@pytest.mark.parametrize("name", ["RN50", "ViT-B-16-SigLIP", "coca_ViT-B-32", "ViT-H-14-CLIPA"])
def test_a_model_that_is_no_plain_vit_is_an_error(name: str) -> None:
    with pytest.raises(ConfigError, match=f"'{name}' is not a plain CLIP ViT"):
        OpenClipBackbone(OpenClipOptions(model=name, pretrained=None))


def test_no_pretrained_weights_are_none_to_load(tiny: str) -> None:
    assert OpenClipBackbone(OpenClipOptions(model=tiny, pretrained=None)).load_weights() == {}


def test_an_unknown_tag_is_an_error(tiny: str) -> None:
    backbone = OpenClipBackbone(OpenClipOptions(model=tiny, pretrained="laion"))
    with pytest.raises(WeightsError, match="neither a file nor a pretrained tag"):
        backbone.load_weights()


def test_weights_that_cannot_be_fetched_say_where_they_are() -> None:
    with torch.device("meta"):
        backbone = OpenClipBackbone(OpenClipOptions())
    repository = "timm/vit_base_patch16_clip_224.openai"
    with pytest.raises(WeightsError, match=rf"weights fetch {repository}`(.|\n)*backbone\.pretrained=PATH"):
        backbone.load_weights()


def test_weights_at_home_are_found(
    tiny: str, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_clip, "get_pretrained_cfg", lambda *_: {"hf_hub": "theirs/tiny/"})
    at_home = tmp_path / "home" / "theirs" / "tiny" / "open_clip_model.safetensors"
    at_home.parent.mkdir(parents=True)
    at_home.symlink_to(weights)
    backbone = OpenClipBackbone(OpenClipOptions(model=tiny, pretrained="theirs"))
    assert list(backbone.load_weights()) == ["open_clip_model.safetensors"]


def test_a_file_of_another_model_is_an_error(tiny: str, weights: Path, tmp_path: Path) -> None:
    save_file({"visual.proj": torch.zeros(2, 2)}, tmp_path / "other.safetensors")
    backbone = OpenClipBackbone(OpenClipOptions(model=tiny, pretrained=str(tmp_path / "other.safetensors")))
    with pytest.raises(WeightsError, match=r"other\.safetensors' is no weights of 'avprompt-tiny'"):
        backbone.load_weights()


class Command:
    """A pickle that would run code."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("run!",)


def test_code_in_a_file_is_refused_in_our_words(
    tiny: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save({"visual.proj": Command()}, tmp_path / "code.pt")
    backbone = OpenClipBackbone(OpenClipOptions(model=tiny, pretrained=str(tmp_path / "code.pt")))
    with pytest.raises(WeightsError, match=r"code\.pt' .*: it holds '[\w.]*print', which could run") as error:
        backbone.load_weights()
    assert "weights_only" not in str(error.value)
    assert "run!" not in capsys.readouterr().out
