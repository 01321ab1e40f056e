"""Three backbones, and each of them as its own library runs it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import open_clip
import pytest
import torch

from avprompt.plugin import Backbone
from avprompt_clip.clipseg import ClipSegBackbone, ClipSegOptions
from avprompt_clip.openclip import OpenClipBackbone, OpenClipOptions
from avprompt_maple.prompt import MaPLeOptions, MaPLePrompt
from avprompt_mini.backbone import MiniBackbone

TINY = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 32, "layers": 5, "width": 20, "head_width": 10, "patch_size": 8},
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 4},
}


@pytest.fixture
def tiny_name(tmp_path: Path) -> Iterator[str]:
    """The name under which open_clip knows a small model."""
    path = tmp_path / "avprompt-maple.json"
    path.write_text(json.dumps(TINY))
    open_clip.add_model_config(path)
    yield path.stem
    open_clip.factory._MODEL_CONFIGS.pop(path.stem)


@pytest.fixture(params=["clipseg", "open_clip", "mini"])
def backbone(request: pytest.FixtureRequest, golden_folder: Path, tiny_name: str) -> Backbone:
    """A frozen backbone, of random weights where it is open_clip's."""
    torch.manual_seed(0)
    built: Backbone
    if request.param == "clipseg":
        built = ClipSegBackbone(ClipSegOptions(checkpoint=str(golden_folder / "clipseg_tiny"), image_size=64))
    elif request.param == "open_clip":
        layers = {"extract_layers": (0, 2, 3), "image_size": 32}
        built = OpenClipBackbone(OpenClipOptions(model=tiny_name, pretrained=None, **layers))
    else:
        built = MiniBackbone()
    built.load_weights()
    built.freeze()
    return built


@pytest.fixture
def prompt(backbone: Backbone) -> MaPLePrompt:
    """MaPLe as deep as both towers take it, its tokens large enough to be felt."""
    depth = min(backbone.prompted_image_layers, backbone.prompted_text_layers)
    torch.manual_seed(1)
    prompt = MaPLePrompt(MaPLeOptions(depth=depth, initialise="random"), backbone)
    for tokens in prompt.tokens:
        torch.nn.init.normal_(tokens)
    return prompt
