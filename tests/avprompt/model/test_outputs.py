"""What a part returns is refused in words where it is not what its interface promises."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from avprompt.errors import PluginError
from avprompt.model.method import Method
from avprompt.records import ImageFeatures, Prompt
from tinyworld.bench import Bench
from tinyworld.training import ground


def always(output: Any) -> Callable[..., Any]:
    return lambda *arguments, **options: output


def short(layers: ImageFeatures) -> ImageFeatures:
    return ImageFeatures(layers.pooled, layers.hidden[:1], layers.dense)


PIXELS, WAVEFORM = torch.zeros(3, 3, 32, 32), torch.zeros(3, 160)
TOKENS = torch.zeros(3, 1, 8)
BROKEN = {
    "no axis": ("audio_encoder.forward", torch.zeros(3, 6), "(B, L, W) = (3, L, 6), but returned (3, 6)"),
    "other width": ("audio_encoder.forward", torch.zeros(3, 4, 512), "(3, L, 6), but returned (3, 4, 512)"),
    "nothing": ("projection.forward", None, "but returned None: is a `return` missing?"),
    "a tuple": ("projection.forward", (TOKENS,), "(B, K, E) = (3, K, 8), but returned a tuple"),
    "whole numbers": ("projection.forward", TOKENS.long(), "floating point, but returned torch.int64"),
    "elsewhere": ("projection.forward", TOKENS.to("meta"), "on cpu, but returned a tensor on meta"),
    "no prompt": ("prompt.forward", TOKENS, "must return a record Prompt, but returned (3, 1, 8)"),
    "narrow prompt": ("prompt.forward", Prompt(TOKENS[..., 1:], 0), "(B, S, 8), but returned (3, 1, 7)"),
    "read beyond": (
        "prompt.forward",
        Prompt(TOKENS, 4),
        "a read_at within its 1 tokens, one for all or an integer for each of 3 rows, but returned 4",
    ),
    "text features": ("backbone.encode_prompt", TOKENS, "(B, D) = (3, 8), but returned (3, 1, 8)"),
    "no features": ("backbone.encode_image", TOKENS, "encode_image must return a record ImageFeatures"),
    "pooled images": ("backbone.pool_image", TOKENS, "pool_image must return (B, D) = (3, 8), but"),
    "single logits": ("decoder.forward", torch.zeros(3, 8, 8), "(B, B_audio, h, w) = (3, 3, h, w), but"),
    "hard masks": ("masker.hard", torch.zeros(3, 8, 8), "hard must return (B, B_audio, H, W) = (3, 3,"),
    "feature masks": ("masker.feature", None, "feature must return (B, B_audio, H, W) = (3, 3, 8, 8), but"),
    "loss of clips": ("losses.area.forward", torch.zeros(3), "must return (), but returned (3,)"),
}


@pytest.fixture
def method(bench: Bench) -> Method:
    return bench.method("souple")


def replace(method: Method, place: str, output: Any) -> None:
    part, _, name = place.rpartition(".")
    setattr(method.parts()[part], name, always(output))


@pytest.mark.parametrize(("place", "output", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_promise_is_named(method: Method, place: str, output: Any, message: str) -> None:
    replace(method, place, output)
    with pytest.raises(PluginError, match=re.escape(message)) as error:
        method.loss_terms(ground(method, PIXELS, WAVEFORM))
    part = method.parts()[place.rpartition(".")[0]]
    assert f"{type(part).__name__} in {Path(inspect.getfile(type(part))).name} breaks a promise" in str(
        error.value
    )


def test_a_layer_that_is_missing(method: Method) -> None:
    replace(method, "backbone.encode_image", short(method.encode_image(PIXELS)))
    with pytest.raises(PluginError, match=r"encode_image must return 2 hidden, but returned 1"):
        method.encode_image(PIXELS)


@pytest.mark.parametrize(
    ("place", "output", "message"),
    [
        (
            "decoder.forward",
            torch.zeros(3, 3, 8, 8),
            "(3, h, w), but returned (3, 3, 8, 8)",
        ),
        (
            "masker.heatmap",
            torch.zeros(3, 8, 8),
            "heatmap must return (B, H, W) = (3, 5, 6), but",
        ),
    ],
)
def test_a_broken_promise_in_evaluation(method: Method, place: str, output: Tensor, message: str) -> None:
    image, audio = method.encode_image(PIXELS), method.listen(method.encode_audio(WAVEFORM))
    text = method.read(audio, image)
    replace(method, place, output)
    with pytest.raises(PluginError, match=re.escape(message)):
        method.locate(image, text, (5, 6))
