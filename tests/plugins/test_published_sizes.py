"""`avprompt describe` at the published size: the papers' counts, without weights and without memory."""

from __future__ import annotations

import pytest

from avprompt.plugin.discovery import Loaded
from avprompt.runs.describe import Description, describe_method
from avprompt.runs.settings import Settings


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


def described(loaded: Loaded, method: str, *overrides: str) -> Description:
    return describe_method(loaded, method, Settings(overrides=overrides))


def test_souple(loaded: Loaded) -> None:
    found = described(loaded, "souple")
    trainable = {part.part: part.trainable for part in found.parts}
    assert found.encoders == "published"
    assert trainable == {
        "backbone": 0,
        "audio_encoder": 0,
        "projection": 1_172_897,
        "prompt": 84_000,
        "decoder": 1_127_009,
        "masker": 2,
    }
    assert found.trainable == pytest.approx(2.38e6, rel=2e-3)
    assert found.total == pytest.approx(242e6, rel=2e-3)
    assert found.trainable / found.total < 0.01


def test_souple_attention_is_as_large_as_souple(loaded: Loaded) -> None:
    souple, attention = described(loaded, "souple").trainable, described(loaded, "souple-attention").trainable
    assert attention - souple == 88_204 - 84_000


def test_a_loss_that_learns_is_counted(loaded: Loaded) -> None:
    souple, sigmoid = described(loaded, "souple"), described(loaded, "souple", "losses.pairwise.part=sigmoid")
    assert sigmoid.trainable - souple.trainable == 2
    assert [(part.part, part.name) for part in sigmoid.parts if part not in souple.parts] == [
        ("losses.pairwise", "sigmoid")
    ]


def test_acl_ssl(loaded: Loaded) -> None:
    assert described(loaded, "acl-ssl").trainable == 7_279_365  # the projection, and the masker's two scalars


def test_coop_and_cocoop(loaded: Loaded) -> None:
    souple = described(loaded, "souple", "decoder.trained=false").trainable
    coop, cocoop = described(loaded, "coop").trainable, described(loaded, "cocoop").trainable
    assert souple - coop == 84_000 - 4 * 512
    assert cocoop - coop == (512 * 32 + 32) + (32 * 512 + 512)


def test_maple(loaded: Loaded) -> None:
    trainable = {part.part: part.trainable for part in described(loaded, "maple").parts}
    tokens = 9 * 2 * 512  # J layers of M tokens, as wide as the text
    coupling = 9 * (512 * 768 + 768)  # a map to the image's width for each layer
    assert trainable["prompt"] == tokens + coupling == 3_555_072  # the paper says 3.55 M
    assert trainable["backbone"] == trainable["decoder"] == 0
    coop = described(loaded, "coop").trainable
    assert described(loaded, "maple").trainable - coop == trainable["prompt"] - 4 * 512
