from __future__ import annotations

import subprocess
import sys
from functools import partial

import pytest
import yaml

import avprompt_clip
from avprompt.model.parts import Backbone, Decoder
from avprompt.registry import Registry
from avprompt.testing import StandInBackbone, check_backbone, check_decoder
from avprompt_clip.clipseg import ClipSegBackbone


@pytest.fixture(scope="module")
def registry() -> Registry:
    registry = Registry()
    for kind in ("backbones", "decoders", "encoder_sets"):
        getattr(avprompt_clip, f"register_{kind}")(partial(registry.add, kind, owner="clip"))
    return registry


def test_names(registry: Registry) -> None:
    assert registry.names("backbones") == ["clipseg", "open_clip"]
    assert registry.names("decoders") == ["attention-map", "clipseg", "similarity"]
    assert all(issubclass(registry.load("backbones", name), Backbone) for name in registry.names("backbones"))


@pytest.mark.parametrize("name", ["attention-map", "clipseg", "similarity"])
def test_decoders_keep_their_contract(name: str, registry: Registry) -> None:
    part: type[Decoder] = registry.load("decoders", name)
    backbone = StandInBackbone()
    check_decoder(part(part.Config(), backbone), backbone)


def test_the_clipseg_backbone_keeps_its_contract(backbone: ClipSegBackbone) -> None:
    check_backbone(backbone)


def test_importing_the_plugin_imports_neither_torch_nor_transformers() -> None:
    code = "import sys, avprompt_clip; print({'torch', 'transformers', 'open_clip'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_published_set_names_a_backbone_and_an_audio_encoder(registry: Registry) -> None:
    table = yaml.safe_load(registry.load("encoder_sets", "published"))
    assert table["backbone"] == {"name": "clipseg", "checkpoint": "CIDAS/clipseg-rd64-refined"}
    assert (table["audio_encoder"]["name"], table["audio_encoder"]["layers"]) == ("beats", [4, 8, 12])
