"""A training step runs no operator more than it did before prompts could reach into the towers."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from avprompt.config.method_config import resolve
from avprompt.distributed import ALONE
from avprompt.model.build import build
from avprompt.records import ImageFeatures
from avprompt.registry import Registry

OPERATORS = {
    "2.14": {"souple": 1581, "souple-cross": 1587, "acl-ssl": 1447, "coop": 1337, "cocoop": 1370},
}
"""Counted at commit 779c7da, by release of torch: each splits its functions into operators in its own way."""


class Counting(TorchDispatchMode):
    """Counts the operators that run."""

    count = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += 1
        return function(*args, **(kwargs or {}))


def read_plainly(built: Any, pixels: Tensor, frames: Tensor) -> Tensor:
    """Read `<sos> context V_A <eos>` under the images, by the layers of the mini encoders alone."""
    vision, text, prompt = built.backbone.clip.image, built.backbone.clip.text, built.prompt
    patches = vision.stem(pixels)
    first = torch.cat([vision.class_token.expand(len(patches), 1, -1), patches], dim=1) + vision.positions
    states = [first]
    for block in vision.blocks:
        states.append(block(states[-1]))
    dense = vision.project(vision.norm(vision.blocks[-1].value_only(states[-2][:, 1:])))
    dense = dense.transpose(1, 2).unflatten(2, (vision.side, vision.side))
    image = ImageFeatures(vision.project(vision.norm(states[-1][:, 0])), (), dense)
    tokens = built.projection(frames)
    start, end = (token.expand(len(tokens), 1, -1) for token in (prompt.start, prompt.end))
    x = torch.cat([start, prompt.context(image).expand(len(tokens), -1, -1), tokens, end], dim=1)
    read_at = torch.full((len(x),), x.shape[1] - 1)
    x = x + text.positions[: x.shape[1]]
    for block in text.blocks:
        x = block(x, causal=True)
    features: Tensor = text.project(text.norm(x[torch.arange(len(x)), read_at]))
    return features


@pytest.mark.parametrize("method", ["souple", "souple-attention", "acl-ssl", "coop", "cocoop"])
def test_reading_a_prompt_costs_its_layers_alone(method: str, registry: Registry) -> None:
    built = build(resolve(registry, method, "mini"), registry, weights=False).eval()
    pixels, frames = torch.rand(4, 3, 96, 96), torch.randn(4, 30, built.audio_encoder.width)
    with Counting() as plain:
        expected = read_plainly(built, pixels, frames)
    with Counting() as ours:
        text = built.read(built.listen(frames), built.encode_image(pixels))
    torch.testing.assert_close(text, expected)
    assert ours.count == plain.count


@pytest.mark.parametrize("method", sorted(OPERATORS["2.14"]))
def test_a_step_runs_no_operator_more(method: str, registry: Registry) -> None:
    release = ".".join(torch.__version__.split(".")[:2])
    if release not in OPERATORS:
        pytest.skip(f"nobody has counted with torch {release}")
    built = build(resolve(registry, method, "mini"), registry, weights=False).train()
    pixels, frames = torch.rand(4, 3, 96, 96), torch.randn(4, 30, built.audio_encoder.width)
    with Counting() as operators:
        grounding = built(pixels, built.encode_image(pixels), frames, torch.rand_like, ALONE.rows(4))
        built.loss_terms(grounding)["total"].backward()
    assert operators.count <= OPERATORS[release][method]
