"""What several checks assert, each with the promise that it is about."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, ParamSpec

import torch
from torch import Tensor

from avprompt.errors import PluginError
from avprompt.model.outputs import image_features
from avprompt.model.parts import Backbone, FrozenPart
from avprompt.promises import INTERFACES, check_attributes, check_class
from avprompt.records import ImageFeatures

Arguments = ParamSpec("Arguments")


def checks(kind: str) -> Callable[[Callable[Arguments, None]], Callable[Arguments, None]]:
    """Make a function the check of a kind: it takes such a part first, and ends in assertions."""
    noun = INTERFACES[kind].partition(":")[2]

    def decorate(check: Callable[Arguments, None]) -> Callable[Arguments, None]:
        @wraps(check)
        def asserting(*arguments: Arguments.args, **options: Arguments.kwargs) -> None:
            part: Any = arguments[0]
            assert not isinstance(part, type), f"build the {noun} first: {check.__name__} takes an instance"
            try:
                check_class(f"{type(part).__name__}, a {noun},", type(part), kind)
                check_attributes(part)
                check(*arguments, **options)
            except PluginError as error:
                raise AssertionError(str(error)) from error

        return asserting

    return decorate


def assert_shape(what: str, shape: Iterable[int], expected: tuple[int, ...]) -> None:
    """Assert that a shape is the promised one."""
    sizes = tuple(shape)
    assert sizes == expected, f"{what}: expected {expected}, got {sizes}"


def assert_finite(promise: str, *outputs: Tensor) -> None:
    """Assert that outputs hold neither NaN nor infinity."""
    assert all(bool(output.isfinite().all()) for output in outputs), promise


def assert_gradient(promise: str, output: Tensor, source: Tensor) -> Tensor:
    """Assert that a gradient goes from an output to what it was made of, and return it."""
    gradient = None
    if output.requires_grad:
        (gradient,) = torch.autograd.grad(output.sum(), source, retain_graph=True, allow_unused=True)
    if gradient is None or (gradient == 0).all():
        raise AssertionError(promise)
    return gradient


def assert_felt(method: str, output: Tensor, tokens: Tensor) -> None:
    """Assert that prompt tokens (layers, ...) reach an output from every layer, with a gradient."""
    gradient = assert_gradient(f"{method} must let gradients reach prompt tokens", output, tokens)
    for layer, of_layer in enumerate(gradient):
        assert (of_layer != 0).any(), f"{method} must let prompt tokens in at layer {layer + 1} as well"


def assert_close(promise: str, output: Tensor, expected: Tensor, tolerance: float | None = None) -> None:
    """Assert that two outputs are equal but for rounding, in torch's tolerance unless another is given."""
    torch.testing.assert_close(
        output, expected, atol=tolerance, rtol=tolerance, msg=lambda details: f"{promise}: {details}"
    )


def assert_not_hooked(encoder: FrozenPart) -> None:
    """Assert that nobody has hooked the modules of a frozen encoder.

    Encoders work outside the training step, without gradients: what a hook puts in there is never trained.
    """
    for name, module in encoder.named_modules():
        hooked = bool(module._forward_hooks or module._forward_pre_hooks)
        where = f"{type(encoder).__name__}.{name}".rstrip(".")
        assert not hooked, (
            f"'{where}' is hooked, but a frozen encoder works without gradients. Give tokens for its layers: "
            "`visual` for the image tower, `Prompt.deep_text` for the text tower"
        )


def assert_all_train(part: torch.nn.Module, *outputs: Tensor) -> None:
    """Assert that every trained parameter gets a gradient from some of the outputs."""
    named = [(name, parameter) for name, parameter in part.named_parameters() if parameter.requires_grad]
    if not named:
        return
    reached = [output.square().sum() for output in outputs if output.requires_grad]
    assert reached, f"'{named[0][0]}' gets no gradient: the output does not depend on it"
    gradients = torch.autograd.grad(sum(reached), [p for _, p in named], allow_unused=True)  # type: ignore[arg-type]
    for (name, _), gradient in zip(named, gradients, strict=True):
        assert gradient is not None, f"'{name}' gets no gradient"


def random_features(backbone: Backbone, images: int) -> ImageFeatures:
    """Return the features of random images."""
    side = backbone.image_size
    with torch.no_grad():
        return image_features(backbone, torch.randn(images, 3, side, side))
